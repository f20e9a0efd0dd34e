"""Changes that a caller sees as their author."""

import pytest

from app.graph.records.change_record import is_own_link

EDGE = {"field": "upstream", "edge": ["DERIVES", "a", "b"]}


@pytest.mark.parametrize(
    ("actor", "fields", "own"),
    [
        ("ada", [EDGE], True),
        ("ada", [EDGE, EDGE], True),
        ("ada", [EDGE, {"field": "ownerTeam", "before": "", "after": "mlg://user/catalog/default/ada"}], True),
        ("ada", [EDGE, {"field": "ownerTeam", "before": "", "after": "mlg://team/catalog/default/ads"}], False),
        ("bo", [EDGE], False),
        ("ada", [EDGE, {"field": "aliases", "part": "champion"}], False),
        ("ada", [{"field": "task"}], False),
    ],
)
def test_an_own_link_is_by_the_caller_and_about_edges_only(actor: str, fields: list[object], *, own: bool) -> None:
    """An alias of a version that was hidden later stays hidden, because it was not the author who named it."""
    assert is_own_link({"actor": actor, "fields": fields}, "ada") is own
