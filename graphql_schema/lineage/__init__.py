"""Lineage, impact, shortest paths, direct neighbours, contamination, and the mutations link and unlink."""
