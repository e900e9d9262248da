"""Our own interatomic potential for Ga-F-Li-Cl: structures, labels, DFT.

Importing this package needs no PyTorch; only :mod:`repro.potential.teacher`
loads it, when a teacher is asked for.
"""

ELEMENTS = ("Li", "F", "Cl", "Ga")
