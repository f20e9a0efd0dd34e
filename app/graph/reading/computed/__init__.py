"""Conditions on results that are computed for each caller, such as health, and their replacement by ids of assets."""
