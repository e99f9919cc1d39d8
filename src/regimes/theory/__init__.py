"""Closed forms: exact laws, bounds and solutions, each with its reference. NumPy and SciPy only."""
