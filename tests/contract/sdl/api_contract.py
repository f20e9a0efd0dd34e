"""The API contract: the SDL of the built schema without its descriptions.

``.venv/bin/python tests/contract/sdl/api_contract.py`` writes ``contract.graphql`` after an intended change of the API.
"""

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from graphql import Node, Visitor, parse, print_ast, visit

from graphql_schema.schema import sdl

CONTRACT = Path(__file__).with_name("contract.graphql")
"""The committed contract."""


class WithoutDescriptions(Visitor):
    """Replaces each node by the same node without its description."""

    def enter(self, node: Node, *_: Any) -> Node | None:
        """Return the node to visit instead; None for a kind of node that cannot have a description."""
        described = {field.name for field in fields(node)} & {"description"}
        return replace(node, **dict.fromkeys(described)) if described else None


def without_descriptions(document: str) -> str:
    """Return an SDL document without descriptions, one definition after the other."""
    return print_ast(visit(parse(document, no_location=True), WithoutDescriptions())) + "\n"


if __name__ == "__main__":
    CONTRACT.write_text(without_descriptions(sdl()))
