"""The form of a filter of the mixed index: a conjunction of disjunctions of conjunctions."""

from collections.abc import Sequence

from graphql_schema.ports.conditions import Value

IndexTest = tuple[str, str, Value | Sequence[Value]]
"""Operator, native property and value; :mod:`app.graph.reading.level.level_statement` defines the operators."""

Branch = tuple[IndexTest, ...]
"""Tests that all match; without tests, every vertex matches."""

IndexFilter = list[list[Branch]]
"""A filter as the level statement reads it: of each element at least one branch matches."""
