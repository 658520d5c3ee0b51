"""The blueprint of the room; `views` and `team_views` hang their routes on it."""

from flask import Blueprint

bp = Blueprint("offboarding", __name__)
