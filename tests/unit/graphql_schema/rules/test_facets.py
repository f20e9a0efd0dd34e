"""Facets: how many hits have each value of a field."""

import pytest
from support.estates.plain_rows import hiding, plain_row

from graphql_schema.rules import facets
from graphql_schema.rules.facets import Facet, facet_counts

RANKING, ADS = "mlg://team/test/default/ranking", "mlg://team/test/default/ads"
ROWS = [
    plain_row("MODEL", "a", ownerTeam=RANKING, stage="ACTIVE", sensitivity="PUBLIC", index={"tags": ["t1", "t2"]}),
    plain_row("MODEL", "b", ownerTeam=ADS, stage="DRAFT", sensitivity="PUBLIC", index={"tags": ["t2"]}),
    plain_row("RUN", "c", ownerTeam="", source="airflow", namespace="eu", index={"tags": []}),
]
DIRECTORY = [plain_row("TEAM", "a"), plain_row("TAG", "b"), plain_row("TAG", "c")]


def counted(facet: Facet) -> list[tuple[str, int]]:
    """Return the values of one facet over the rows."""
    (found,) = facet_counts([facet], ROWS, DIRECTORY)
    assert found["facet"] == facet.name
    return [(each["value"], each["count"]) for each in found["values"]]


def test_each_facet_counts_its_field() -> None:
    """The most frequent value comes first, then the values in order; a row without a value is not counted."""
    assert {facet.name: counted(facet) for facet in Facet} == {
        "KIND": [("MODEL", 2), ("RUN", 1)],
        "OWNER_TEAM": [(ADS, 1), (RANKING, 1)],
        "TAG": [("t2", 2), ("t1", 1)],
        "STAGE": [("ACTIVE", 1), ("DRAFT", 1)],
        "SENSITIVITY": [("PUBLIC", 2)],
        "SOURCE": [("test", 2), ("airflow", 1)],
        "NAMESPACE": [("default", 2), ("eu", 1)],
        "DIRECTORY": [("TAG", 2), ("TEAM", 1)],
    }


def test_a_facet_that_is_requested_twice_is_counted_once() -> None:
    """Each facet is listed once, in the order in which it was first requested."""
    found = facet_counts([Facet.STAGE, Facet.KIND, Facet.STAGE], ROWS)
    assert [each["facet"] for each in found] == ["STAGE", "KIND"]


def test_a_hidden_field_is_not_counted() -> None:
    """A row whose field is hidden from the viewer adds nothing to that facet, and all it shows to the others."""
    rows = [plain_row("MODEL", "a", hiding("stage", "tags"), stage="ACTIVE", index={"tags": ["t1"]})]
    assert facet_counts([Facet.STAGE, Facet.TAG, Facet.KIND], rows) == [
        {"facet": "STAGE", "values": []},
        {"facet": "TAG", "values": []},
        {"facet": "KIND", "values": [{"value": "MODEL", "count": 1}]},
    ]


def test_a_facet_lists_at_most_fifty_values() -> None:
    """Of more than 50 values the first 50 in the order of the list are kept."""
    rows = [plain_row("MODEL", f"m{number}", namespace=f"n{number:02}") for number in range(60)]
    (found,) = facet_counts([Facet.NAMESPACE], rows)
    assert [each["value"] for each in found["values"]] == [f"n{number:02}" for number in range(50)]


def test_the_first_of_very_many_values_are_found_without_sorting_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """One call that sorts 100,000 tags would hold all threads for 0.1 s."""
    monkeypatch.setattr(facets, "sorted", lambda *_, **__: pytest.fail("sorted"), raising=False)
    rows = [plain_row("MODEL", f"m{number}", namespace=f"n{number * 7 % 1_000:03}") for number in range(2_000)]
    (found,) = facet_counts([Facet.NAMESPACE], rows)
    assert [(each["value"], each["count"]) for each in found["values"]] == [(f"n{n:03}", 2) for n in range(50)]
