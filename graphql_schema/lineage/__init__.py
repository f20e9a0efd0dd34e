"""Lineage, impact, shortest paths, direct neighbours, and the mutations link and unlink."""
