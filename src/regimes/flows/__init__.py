"""Flows: RAD, its folds, gates and couplings, what is wrong on purpose, and adapters for other people's flows."""
