"""The verbs of routing, for other rooms and every door; each is explained where it is defined."""

from app.routing.assign import Wish, assign_lead
from app.routing.bulk import bulk_assign
from app.routing.claims import claim_next
from app.routing.offers import (
    accept_offer,
    decline_offer,
    due_offers,
    expire_offer,
    expire_offers,
    release_lead,
)
from app.routing.routes import Routed, route_lead, route_many
from app.routing.targets import Target, find_target
from app.routing.undo import undo_bulk_act

__all__ = [
    "Routed",
    "Target",
    "Wish",
    "accept_offer",
    "assign_lead",
    "bulk_assign",
    "claim_next",
    "decline_offer",
    "due_offers",
    "expire_offer",
    "expire_offers",
    "find_target",
    "release_lead",
    "route_lead",
    "route_many",
    "undo_bulk_act",
]
