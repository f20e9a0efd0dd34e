"""Declarations of what a type reads."""
