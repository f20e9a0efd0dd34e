"""Reads of one query level: the parts that all loaders of an operation need are sent to the store together."""
