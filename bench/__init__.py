"""How fast Canal is, against the least that the same machine could do: `python -m bench [--full]`.

A floor stands beside each figure that depends on the machine: a bare Flask view, or bare statements of the
same effect.  Canal and its floor are measured in turns within one run, so that a machine that is slower
for a while is slower for both.
"""
