"""Changes that a caller sees as their author."""

import pytest

from app.graph.records.change_record import is_own_link

EDGE = {"field": "upstream", "edge": ["DERIVES", "a", "b"]}
VISIBLE = {**EDGE, "visible": True}
OWNER = {"field": "ownerTeam", "before": "", "after": "mlg://user/catalog/default/ada"}


@pytest.mark.parametrize(
    ("actor", "fields", "own"),
    [
        ("ada", [EDGE], True),
        ("ada", [EDGE, EDGE], True),
        ("ada", [EDGE, VISIBLE], True),
        ("ada", [VISIBLE], False),
        ("ada", [EDGE, OWNER], True),
        ("ada", [VISIBLE, OWNER], False),
        ("ada", [OWNER], False),
        ("ada", [], False),
        ("ada", [EDGE, {**OWNER, "after": "mlg://team/catalog/default/ads"}], False),
        ("bo", [EDGE], False),
        ("ada", [EDGE, {"field": "aliases", "part": "champion"}], False),
        ("ada", [{"field": "task"}], False),
    ],
)
def test_an_own_link_is_by_the_caller_and_names_an_end_unseen(actor: str, fields: list[object], *, own: bool) -> None:
    """Neither an alias nor an edge is one whose end was hidden later: the author saw it, and has other rights now."""
    assert is_own_link({"actor": actor, "fields": fields}, "ada") is own


def test_a_caller_who_may_not_write_has_no_own_link() -> None:
    """Such a caller is the author of nothing."""
    assert not is_own_link({"actor": "ada", "fields": [EDGE]}, None)
