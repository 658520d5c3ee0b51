"""The blueprint of the room; `views`, `enabling_views` and `team_views` hang their routes on it."""

from flask import Blueprint

bp = Blueprint("partners", __name__)
