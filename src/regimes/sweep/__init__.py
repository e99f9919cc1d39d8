"""Sweeps: the cells of a claim's map, the store that keeps them, the runner that fills it, and slack."""
