"""Licences of Python packages, jars and npm packages, compared with those that ``audit/licences.toml`` allows."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

OPERATORS = re.compile(r"(\(|\)|\bAND\b|\bOR\b)")


@dataclass(frozen=True, slots=True)
class Licences:
    """The content of ``audit/licences.toml``: allowed SPDX identifiers, and the licences of what names none itself."""

    allowed: frozenset[str]
    names: Mapping[str, str]
    packages: Mapping[str, str]
    jars: Mapping[str, str]
    npm: Mapping[str, str]

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> "Licences":
        """Return the content of the parsed file."""
        return cls(
            frozenset(content["allowed"]), content["names"], content["packages"], content["jars"], content["npm"]
        )

    def of_package(self, name: str, stated: str) -> str:
        """Return the licence of a Python package, of which the metadata state a text."""
        return self.packages.get(name.lower()) or self.names.get(stated, stated)

    def of_jar(self, group: str) -> str:
        """Return the licence of the jars of a group, empty if the file has none."""
        return self.jars.get(group, "")

    def allows(self, expression: str) -> bool:
        """Return whether an SPDX expression is valid and can be met with allowed licences only."""
        try:
            text = str(canonicalize_license_expression(expression))
        except InvalidLicenseExpression:
            return False
        tokens = [token.strip() for token in OPERATORS.split(text) if token.strip()]
        return self._alternatives(tokens)

    def _alternatives(self, tokens: list[str]) -> bool:
        """Consume alternatives up to the end or a bracket, and return whether one of them is allowed."""
        found = self._together(tokens)
        while tokens and tokens[0] == "OR":
            tokens.pop(0)
            found = self._together(tokens) or found
        return found

    def _together(self, tokens: list[str]) -> bool:
        """Consume licences that apply together, and return whether all are allowed."""
        found = self._single(tokens)
        while tokens and tokens[0] == "AND":
            tokens.pop(0)
            found = self._single(tokens) and found
        return found

    def _single(self, tokens: list[str]) -> bool:
        first = tokens.pop(0)
        if first != "(":
            return first in self.allowed
        found = self._alternatives(tokens)
        tokens.pop(0)  # the bracket that closes
        return found


def refused(licences: Licences, found: Iterable[tuple[str, str]]) -> list[str]:
    """Return a line for each component, given by name and licence, whose licence is unknown or not allowed."""
    return [
        f"{name} has the licence {licence or 'UNKNOWN'!r}, which is not allowed. Replace the component, or let the "
        "owners of the product decide, and add the licence to audit/licences.toml."
        for name, licence in found
        if not licences.allows(licence)
    ]
