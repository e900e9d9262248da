"""Molecular dynamics with LAMMPS: structures in, logs out, runs that survive a kill."""
