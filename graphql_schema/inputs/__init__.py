"""Declarations of what an input writes, and its way to the writer."""
