"""Order of arrival and size of batches do not matter: the graph is a function of the set of items."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.stores.janusgraph import StoreGraph
from support.stores.writers import NOW, Writers, asset, link, person, stored, urn

from graphql_schema.catalog.instants import FOREVER
from graphql_schema.catalog.kinds import KINDS
from graphql_schema.catalog.relations import Direction
from graphql_schema.catalog.urn import parse_urn
from graphql_schema.ports.commands import LinkCommand, RegisterCommand

Item = RegisterCommand | LinkCommand
Key = tuple[str, str, str]

_tenants = (f"tenant-{number}" for number in count())
_DATASETS = ["dataset a", "dataset b", "dataset c"]
_VERSIONS = ["dataset-version a@1", "dataset-version b@1", "dataset-version z@9"]
_FEATURES = ["feature f", "feature g"]
_TEAMS = ["team ranking", "team ads", "user ada"]
_STRENGTH = ["INFERRED", "DECLARED", "OBSERVED"]


def some(values: list[str]) -> st.SearchStrategy[list[str]]:
    """Draw a few of the values, in any order."""
    return st.lists(st.sampled_from(values), unique=True, max_size=3)


def fields(**strategies: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Draw any of the fields, each with a value."""
    return st.fixed_dictionaries({}, optional=strategies)


_owners = st.dictionaries(
    st.sampled_from(_TEAMS), st.lists(st.sampled_from(["BUSINESS", "TECHNICAL"]), min_size=1, max_size=2, unique=True)
)
_common = {"owners": _owners, "tags": some(["tag pii", "tag gold"]), "domain": st.just(["domain shop"])}
_values = st.fixed_dictionaries(
    {}, optional={"description": st.sampled_from(["x", "y"]), "sourceCreatedAt": st.integers(1, 9)}
)


def assets(names: list[str], **more: st.SearchStrategy[Any]) -> st.SearchStrategy[RegisterCommand]:
    """Draw a registration of one of the names."""
    return st.builds(
        lambda name, values, far: asset(name, values, **far), st.sampled_from(names), _values, fields(**_common, **more)
    )


_data = _DATASETS + _VERSIONS
_some_data = some(_data)
_pairs = some(["l", "k"]).map(lambda keys: [{"key": key, "value": "1"} for key in keys])
_links = st.builds(
    lambda ends, origin, pairs: link(*ends, origin=origin, properties=pairs),
    st.sampled_from(
        [
            ("FEEDS", "dataset a", "model-version m@1"),
            ("FEEDS", "feature f", "model-version m@1"),
            ("DERIVES", "dataset b", "dataset c"),
            ("CONTAINS", "feature-set s", "feature g"),
            ("CONTAINS", "domain shop", "dataset a"),
            ("PRODUCES", "run r", "dataset-version a@1"),
        ]
    ),
    st.sampled_from(_STRENGTH),
    _pairs,
)
_items = st.lists(
    st.one_of(
        assets(_DATASETS, derivedFrom=_some_data),
        assets(_VERSIONS, derivedFrom=_some_data, producedBy=st.just(["run r"])),
        assets(["feature-set s"], features=some(_FEATURES)),
        assets(_FEATURES, featureSet=st.just(["feature-set s"]), derivedFrom=_some_data),
        assets(["model-version m@1"], trainedOn=_some_data, usedFeatures=some([*_FEATURES, "feature-set s"])),
        assets(["run r"], inputs=_some_data, outputs=some(_VERSIONS), workflow=st.just(["workflow w"])),
        _links,
    ),
    min_size=1,
    max_size=12,
    unique_by=lambda item: item.urn if isinstance(item, RegisterCommand) else (item.relation, item.source, item.target),
)


def declarations(items: Iterable[Item]) -> Iterator[tuple[Key, str, str, Mapping[str, Any]]]:
    """Yield every edge that an item declares: key, declarer, origin and properties."""
    for item in items:
        if isinstance(item, LinkCommand):
            pairs = sorted(item.values["properties"], key=lambda pair: str(pair["key"]))
            details: Mapping[str, Any] = {"properties": pairs} if pairs else {}
            yield (item.relation, item.source, item.target), "link", item.values["origin"], details
            continue
        for field in item.edges:
            for far, details in field.targets.items():
                out = field.hop.direction is Direction.OUT
                key = (field.hop.relation.name, *((item.urn, far) if out else (far, item.urn)))
                yield key, field.declarer, field.origin, dict(details)


def parent_by_name(text: str) -> str | None:
    """Return the parent named in the URN of a version."""
    return text.replace("-version/", "/", 1).rpartition("@")[0] if "-version/" in text else None


def expected(items: list[Item], tenant: str) -> tuple[dict[str, Any], dict[Key, Any]]:
    """Return the graph described by the items, computed from their set alone."""
    found: dict[Key, dict[str, Any]] = {}
    for key, declarer, origin, details in declarations(items):
        edge = found.setdefault(key, {"relation": key[0], "validFrom": NOW, "by": [], "origin": origin})
        edge |= {**details, "by": sorted([*edge["by"], declarer])}
        edge["origin"] = max(edge["origin"], origin, key=_STRENGTH.index)
    given_items = {item.urn: item for item in items if isinstance(item, RegisterCommand)}
    names = {name for key in found for name in key[1:]} | set(given_items)
    names |= {parent for name in names if (parent := parent_by_name(name))}
    for name in names:
        if parent := parent_by_name(name):
            found["VERSION_OF", name, parent] = {"relation": "VERSION_OF", "by": ["id"], "origin": "DECLARED"}
    records = {name: vertex(name, given_items.get(name), found, tenant) for name in names}
    for record in records.values():
        record["ownerTeam"] = team(record, records)
    for (relation, source, _), edge in found.items():
        if relation in {"VERSION_OF", "CONTAINS", "RUN_OF"}:
            edge |= {"validFrom": 0, "opened": NOW}
        if relation in {"VERSION_OF", "RUN_OF"}:
            referred = records[source]["hydration"] == "STUB"
            edge["at"] = 0 if referred else records[source].get("sourceCreatedAt", NOW)
        if relation == "TAGGED":
            edge["mode"] = "DIRECT"
        edge |= {"recordedAt": NOW, "recordedBy": "root"}
    return records, found


def vertex(name: str, item: RegisterCommand | None, found: dict[Key, Any], tenant: str) -> dict[str, Any]:
    """Return the record of one vertex, without owner team and revision."""
    parts = parse_urn(name)
    kind = KINDS[parts.kind]
    lists = {field.declarer.split(".")[1]: field.targets for field in item.edges} if item else {}
    holders = {key[1] for key in found if key[0] == "CONTAINS" and key[2] == name}
    version = {"version": parts.version} if parts.version else {}
    own = {"Tag": {"tagKind": "FREE", "propagates": False}, "User": {"active": True, "principalKind": "PERSON"}}
    return {
        "id": name,
        "kind": kind.code,
        "tenant": tenant,
        "source": parts.source,
        "namespace": "default",
        "name": parts.name,
        **version,
        "displayName": f"{parts.name} v{parts.version}" if parts.version else parts.name,
        "stage": "ACTIVE",
        "visibility": "ORG",
        "sensitivity": "INTERNAL",
        "declaredSensitivity": "INTERNAL",
        "hydration": "FULL" if item else "STUB",
        **{
            f"{what}{suffix}": value
            for what in ("created", "updated")
            for suffix, value in (("At", NOW), ("By", "root"))
        },
        **own.get(kind.name, {}),
        **(item.values if item else {}),
        "index": {
            "owners": [[owner, details["kinds"]] for owner, details in lists.get("owners", {}).items()],
            "tags": list(lists.get("tags", {})),
            "domain": max((h for h in holders if "//domain/" in h), default=""),
            "whole": max((h for h in holders if "//feature-set/" in h), default=""),
        },
    }


def team(record: dict[str, Any], records: dict[str, Any]) -> str:
    """Return the owner by the rule of the design: a team or the parent's, a user or the parent's owner, a domain."""
    parent = parent_by_name(record["id"]) or record["index"]["whole"]
    inherited = team(records[parent], records) if parent else ""
    teams, users = ([each for each in record["index"]["owners"] if kind in each[0]] for kind in ("//team/", "//user/"))
    first = [owner for owner, kinds in sorted(teams, key=lambda each: "TECHNICAL" not in each[1])]
    person = [owner for owner, kinds in sorted(users, key=lambda each: "TECHNICAL" not in each[1])]
    if first or "//team/" in inherited:
        return first[0] if first else inherited
    domain = record["index"]["domain"] if record["hydration"] == "FULL" else ""
    return person[0] if person else inherited or domain


@pytest.mark.timeout(600)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(items=_items, data=st.data())
async def test_any_order_and_chunking_give_the_graph_that_the_items_describe(
    module_graph: StoreGraph, module_writers: Writers, items: list[Item], data: st.DataObject
) -> None:
    """Stored records and edges equal those of a model without order, for any order and any batches."""
    tenant = next(_tenants)
    order = data.draw(st.permutations(items))
    writer = module_writers.of(person("root", roles="admin", tenant=tenant), data.draw(st.integers(1, 5)))
    done = await writer.write(order, dry_run=False, atomic=False)
    assert [one.errors for one in done] == [()] * len(items)
    records, found = expected(items, tenant)
    there = await stored(module_graph, tenant)
    assert {name: {k: v for k, v in one.items() if k != "revision"} for name, one in there.records.items()} == records
    assert there.edge_records == found
    for name, record in records.items():
        natives = there.natives[name]
        assert there.labels[name] == parse_urn(name).kind
        assert natives["owners"] == sorted(owner for owner, _ in record["index"]["owners"]) or natives["owners"] == [""]
        assert (natives["domain"], natives["ownerTeam"]) == (record["index"]["domain"], record["ownerTeam"])
        assert natives["deletedAt"] == FOREVER
    again = await writer.write(order, dry_run=False, atomic=False)
    assert {one.outcome.name for one in again} == {"UNCHANGED"}
    assert (await stored(module_graph, tenant)).records == there.records


def test_the_oracle_derives_parents_from_urns() -> None:
    """The oracle derives the right parent from a URN."""
    assert parent_by_name(urn("model-version m@1")) == urn("model m")
    assert parent_by_name(urn("dataset a")) is None
