"""Thin events on the side of the client: the worker reads the objects that events name, and writes them."""
