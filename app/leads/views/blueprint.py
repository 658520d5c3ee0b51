"""The blueprint that the journeys register on."""

from flask import Blueprint

bp = Blueprint("leads", __name__)
