"""Trials of this book against others and against itself; ``python -m benchmarks`` runs them."""
