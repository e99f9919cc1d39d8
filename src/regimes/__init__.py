"""regimes: property-based verification of theorems about neural networks.

A theorem is written once, as a claim; `pytest claims/` tries to refute it on random cases and kills its
controls, `regimes map` shows where it holds, and `regimes report` writes that down.
"""

__version__ = "0.1.0"
