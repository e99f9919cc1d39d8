"""What changed between two maps, and whether it is a regression."""
