"""A living companion to Gupta, Yang & Ceder, Nat. Commun. 14 (2023).

Every notebook of the book is prose, one or two calls into this package, a
figure and a comparison with the claims ledger.  The algorithms live here.
"""

import warnings

__version__ = "0.1.0"

# pymatgen calls a deprecated helper of its own on every formula it reduces.
warnings.filterwarnings("ignore", message="gcd is deprecated", category=FutureWarning)
