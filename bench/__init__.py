"""Measurements of the product beside an older commit, its stock path, and a lower bound by hand: ``make bench``."""
