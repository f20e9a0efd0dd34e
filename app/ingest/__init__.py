"""Importers: clients of the API, never side doors."""
