"""The verbs of sharing, for other rooms and every door; each is explained where it is defined."""

from app.sharing.groups import (
    add_group_member,
    create_group,
    delete_group,
    edit_group,
    remove_group_member,
)
from app.sharing.shares import end_lapsed, share_record, unshare_record
from app.sharing.sharing_rules import create_rule, delete_rule, edit_rule, read_rule

__all__ = [
    "add_group_member",
    "create_group",
    "create_rule",
    "delete_group",
    "delete_rule",
    "edit_group",
    "edit_rule",
    "end_lapsed",
    "read_rule",
    "remove_group_member",
    "share_record",
    "unshare_record",
]
