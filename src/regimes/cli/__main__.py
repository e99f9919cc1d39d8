"""`python -m regimes.cli`."""

from regimes.cli import main

main()
