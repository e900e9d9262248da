"""EXAFS at the Ga K edge, measured and simulated (paper, Fig. 3a and Supplementary Fig. 13)."""
