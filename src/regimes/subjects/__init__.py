"""Subjects: what builds networks. Ours, and adapters for other people's code."""
