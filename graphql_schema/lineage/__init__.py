"""Lineage, impact, paths and links."""
