"""Requests to a store and their results: plain data and Protocols."""
