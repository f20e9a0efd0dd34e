"""Ids of a test, and items that register assets of a team."""

from typing import Any


def team(name: str) -> str:
    """Return the id of a team."""
    return f"mlg://team/catalog/default/{name}"


def urn(kind: str, name: str) -> str:
    """Return the id of an asset."""
    return f"mlg://{kind}/test/default/{name}"


def owned(kind: str, name: str, by: str = "ranking", **more: Any) -> dict[str, Any]:
    """Return an item that registers an asset of a team."""
    key = "".join(part.title() for part in kind.split("-"))
    return {key[0].lower() + key[1:]: {"id": urn(kind, name), "owners": [{"owner": team(by)}], **more}}
