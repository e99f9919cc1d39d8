"""Networks of an ordinary package."""
