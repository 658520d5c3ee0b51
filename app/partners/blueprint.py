"""The blueprint of the room; `views` and `enabling_views` hang their routes on it."""

from flask import Blueprint

bp = Blueprint("partners", __name__)
