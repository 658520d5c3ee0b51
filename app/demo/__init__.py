"""The demo company: a bicycle maker, its shops as partners, half a year of leads.

Made by the same operations that people use, with a seeded source of chance: the same seed and moment
give the same company.  Only `flask demo load` and `make run` on an empty database use it.
"""
