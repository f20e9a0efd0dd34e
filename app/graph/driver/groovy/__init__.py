"""Groovy classes with static types, which prepared statements include."""
