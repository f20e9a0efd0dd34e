"""The native properties of a vertex follow from its record."""

from typing import Any

import orjson
import pytest

from app.graph.records.native import vertex_values
from app.graph.records.native.vertex_values import native_values
from app.graph.records.vertex_record import attached_record, indexed, registered, stub
from graphql_schema.catalog.index_values import cost_rank, property_term
from graphql_schema.catalog.instants import FOREVER
from graphql_schema.catalog.properties import NATIVE_PROPERTIES, NativeProperty

URN = "mlg://model-version/mlflow/ads/ctr@3"
TEAM = "mlg://team/catalog/default/ads"
REGISTERED = registered(stub("acme", URN, "ada", 100), {}, stored=False)


def version(**values: Any) -> dict[str, Any]:
    """Return the record of a registered version with these values."""
    return {**REGISTERED, **values}


def test_native_values_of_an_asset_follow_from_its_record() -> None:
    """Absent values are stored as "" or as the end of time, since an absent property would match a ``not`` filter."""
    record = indexed(version(description="CTR, daily"), owners=[[TEAM, ["TECHNICAL"]]], domain="d")
    values, sets = native_values(record)
    expected = {
        "tenant": "acme", "urn": URN, "kind": "MODEL_VERSION", "source": "mlflow", "namespace": "ads", "name": "ctr",
        "ownerTeam": "", "domain": "d", "stage": "ACTIVE", "visibility": "ORG", "sensitivity": "INTERNAL",
        "confirmedSensitivity": "INTERNAL",
        "hydration": "FULL", "createdAt": 100, "updatedAt": 100, "begins": 100, "deletedAt": FOREVER, "usedAt": 0,
        "servedAt": 0, "lastUsedAt": 0, "riskTier": "", "cost": 0,
        "revision": 1, "prose": "ctr daily", "record": orjson.dumps(record).decode(),
    }  # fmt: skip
    assert {name: values[name] for name in expected} == expected
    named = {"titles": ["ctr v3", "ctr"], "words": ["ctr", "v3", "ads", "3", "mlflow"], "owners": [TEAM], "tags": [""]}
    assert {name: sets[name] for name in named} == named
    assert values.keys() | sets.keys() == {stored.name for stored in NATIVE_PROPERTIES if not stored.attached_only}
    assert native_values(version(deletedAt=7))[0]["deletedAt"] == 7
    assert native_values(indexed(version(), tags=["t"]))[1]["tags"] == ["t"]
    assert native_values(version())[1]["owners"] == [""]
    assert native_values(version(costUsd=5))[0]["cost"] == cost_rank(5.0)
    pairs = [{"key": "a", "value": "b"}, {"key": "a", "value": ""}]
    assert native_values(version(properties=pairs))[1]["pairs"] == [property_term("a", "b"), property_term("a", "")]
    assert native_values(version())[1]["pairs"] == [""]


def test_a_declared_property_takes_its_value_from_the_record(monkeypatch: pytest.MonkeyPatch) -> None:
    """A property needs its declaration alone; without a value it is "", zero or a set of "" alone."""
    further = (NativeProperty("licence"), NativeProperty("score", "Double"), NativeProperty("sites", many=True))
    monkeypatch.setattr(vertex_values, "_OF_ASSETS", further)

    def further_values(**values: Any) -> tuple[Any, ...]:
        one, many = native_values(version(**values))
        return one["licence"], one["score"], many["sites"]

    assert further_values(licence="MIT", score=0.5, sites=["a", "b"]) == ("MIT", 0.5, ["a", "b"])
    assert further_values() == further_values(licence=None, score=None, sites=[]) == ("", 0.0, [""])


def test_only_listed_attached_records_are_in_the_index() -> None:
    """Changes and incidents are listed by themselves and filtered by a few values; others are read by edges alone."""
    change = attached_record(
        "acme", "mlg://change/a/b/c", "ada", 100, subject=URN, subjectKind="MODEL_VERSION", actor="ada", action="LINKED"
    )
    assert native_values(change) == (
        {
            "record": orjson.dumps(change).decode(), "tenant": "acme", "kind": "CHANGE", "createdAt": 100, "urn":
            "mlg://change/a/b/c", "subject": URN, "subjectKind": "MODEL_VERSION", "actor": "ada", "action": "LINKED",
        },
        {},
    )  # fmt: skip
    incident = attached_record("acme", "mlg://incident/a/b/c", "ada", 100, state="OPEN", severity="HIGH")
    assert set(native_values(incident)[0]) == {"record", "tenant", "kind", "createdAt", "urn", "state"}
    approval = attached_record("acme", "mlg://approval/a/b/c", "ada", 100, gate="release")
    assert native_values(approval) == ({"record": orjson.dumps(approval).decode()}, {})


def test_the_terms_of_shared_properties_are_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that changes tags, or an item that changes owners, rewrites hundreds of assets with 500 properties each."""
    pairs = [{"key": "a", "value": str(number)} for number in range(500)]
    before = version(properties=pairs)
    made: list[str] = []

    def term(key: str, value: str) -> str:
        made.append(value)
        return property_term(key, value)

    monkeypatch.setattr(vertex_values, "property_term", term)
    _, sets = native_values(indexed(before, tags=["t"]), before)
    assert (sets, made) == ({"tags": ["t"]}, [])
    _, sets = native_values({**before, "properties": pairs[1:]}, before)
    assert sets.keys() == {"pairs"}
    assert len(made) == 999
