"""One asset of each kind, a team, a user, a tag and a domain, all with ids that are known before they are loaded."""

from typing import Any, Final

from graphql_schema.catalog.kinds import ASSETS, KINDS

DIRECTORY: Final[dict[str, dict[str, Any]]] = {
    "mlg://team/catalog/default/ranking": {"team": {"name": "ranking"}},
    "mlg://user/catalog/default/ada": {"user": {"name": "ada"}},
    "mlg://tag/catalog/default/known": {"tag": {"name": "known", "tagKind": "PII"}},
    "mlg://domain/catalog/default/known": {"domain": {"name": "known"}},
}
"""Items by id."""

_NEEDED: Final[dict[str, dict[str, Any]]] = {
    "Run": {"state": "COMPLETE"},
    "Evaluation": {"modelVersion": "mlg://model-version/test/default/known@1"},
    "ExperimentCell": {"experiment": "mlg://experiment/test/default/known"},
}


def known_items() -> dict[str, dict[str, Any]]:
    """Return the items by id, in an order in which they can be registered."""
    return {**DIRECTORY, **{_id(kind): _item(kind) for kind in ASSETS}}


def _item(kind: str) -> dict[str, Any]:
    owned = {} if KINDS[kind].versioned else {"owners": [{"owner": next(iter(DIRECTORY)), "ownership": "TECHNICAL"}]}
    return {f"{kind[0].lower()}{kind[1:]}": {"id": _id(kind), **owned, **_NEEDED.get(kind, {})}}


def _id(kind: str) -> str:
    return f"mlg://{KINDS[kind].slug}/test/default/known{'@1' if KINDS[kind].versioned else ''}"
