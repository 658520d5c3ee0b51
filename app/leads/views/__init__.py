"""Pages of leads, by journey; importing this registers them all."""

from app.leads.views import acts, board, in_place, index, qualifying, quick, show, writing
from app.leads.views.blueprint import bp

__all__ = ["acts", "board", "bp", "in_place", "index", "qualifying", "quick", "show", "writing"]
