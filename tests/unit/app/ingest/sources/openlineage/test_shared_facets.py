"""Owners and tags of events."""

from typing import Any

import pytest
from support.documents.lineage_events import mapped

from app.ingest.sources.openlineage import shared_facets
from graphql_schema.ports.commands import ObserveCommand


def targets(**facets: Any) -> Any:
    """Return the targets of the last command."""
    *_, command = mapped(job=facets).commands
    assert isinstance(command, ObserveCommand)
    return command.edges[0].targets


def test_owners_are_users_and_teams() -> None:
    """A prefix or an e-mail address decides; the responsibilities of one owner are collected."""
    owners = [
        {"name": "user:ada", "type": "STEWARD"},
        {"name": "bo@example.com"},
        {"name": "team:crm", "type": "MAINTAINER"},
        {"name": "crm", "type": "owner"},
        {"type": "x"},
    ]
    assert targets(ownership={"owners": owners}) == {
        "mlg://user/catalog/default/ada": {"kinds": ["STEWARD"]},
        "mlg://user/catalog/default/bo%40example.com": {"kinds": ["TECHNICAL"]},
        "mlg://team/catalog/default/crm": {"kinds": ["BUSINESS", "TECHNICAL"]},
    }
    (ignored,) = mapped(job={"ownership": {"owners": 1}}).ignored
    assert (ignored.facet, ignored.reason) == ("job.ownership", "`owners` is no list")


def test_tags_have_the_key_and_the_value() -> None:
    """The value `true` is left out; the tag of a column and the tags of a run are properties."""
    tags = [{"key": "pii", "value": "true"}, {"key": "tier", "value": "1"}, {"key": "gdpr"}, {"value": "x"}]
    assert [*targets(tags={"tags": tags})] == [
        "mlg://tag/catalog/default/pii",
        "mlg://tag/catalog/default/tier%3A1",
        "mlg://tag/catalog/default/gdpr",
    ]
    column = mapped(dataset={"tags": {"tags": [{"key": "pii", "value": "true", "field": "email"}]}}).commands[0]
    run = mapped(run={"tags": {"tags": [{"key": "client", "value": "1.54"}, {"value": "x"}]}}).commands[2]
    assert isinstance(column, ObserveCommand)
    assert isinstance(run, ObserveCommand)
    assert [each.value for each in column.values] == [{"key": "openlineage.tag.email.pii", "value": "true"}]
    assert [each.value for each in run.values if each.field == "properties"] == [
        {"key": "openlineage.tag.client", "value": "1.54"}
    ]


@pytest.mark.parametrize(
    ("kind", "maker", "facets"),
    [
        ("owners", "owner_urn", {"ownership": {"owners": [{"name": f"o{number}"} for number in range(3_000)]}}),
        ("tags", "make_urn", {"tags": {"tags": [{"key": f"t{number}"} for number in range(3_000)]}}),
    ],
)
def test_ids_are_made_until_they_are_too_many(
    monkeypatch: pytest.MonkeyPatch, kind: str, maker: str, facets: Any
) -> None:
    """A list of more than 200 owners or tags is refused before the ids of thousands are made."""
    made, make = list[Any](), getattr(shared_facets, maker)

    def counted(*parts: str) -> str:
        made.append(parts)
        return str(make(*parts))

    monkeypatch.setattr(shared_facets, maker, counted)
    (ignored,) = mapped(job=facets).ignored
    assert ignored.reason == f"more than 200 {kind}; an event may give at most 200"
    assert len(made) == 201
