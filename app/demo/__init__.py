"""The demo company: a bicycle maker, its shops as partners, half a year of leads.

Made by the same operations that people use, with a seeded source of chance: the same seed and moment
give the same company.  Only `flask demo load` and `make run` on an empty database use it.
"""

from app.demo.company import SignIn, is_empty, load, sign_ins

__all__ = ["SignIn", "is_empty", "load", "sign_ins"]
