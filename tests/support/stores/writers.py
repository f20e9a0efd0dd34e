"""Items to register, callers, and the stored result, read with Gremlin of the tests' own."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import orjson
from support.stores.janusgraph import StoreGraph

from app.graph.commits.write_coordinator import WriteCoordinator
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.writing.writer import PolicedWriter
from graphql_schema.catalog.enums import ChangeAction
from graphql_schema.catalog.kinds import ASSETS, KINDS
from graphql_schema.catalog.properties import NATIVE_PROPERTIES
from graphql_schema.catalog.relations import (
    CONTAINS,
    DEPLOYED_AS,
    DERIVES,
    FEEDS,
    INPUT_TO,
    OWNED_BY,
    PRODUCES,
    RUN_OF,
    STARTED_BY,
    TAGGED,
    VERSION_OF,
    Hop,
)
from graphql_schema.catalog.urn import make_urn, parse_urn
from graphql_schema.operation.field_guards import governed_fields
from graphql_schema.ports.commands import Command, DeclaredEdges, LinkCommand, RegisterCommand
from graphql_schema.schema import build_schema
from policies.policy import Policy
from policies.principal import Principal, PrincipalKind
from policies.sensitivity import SHIPPED, load_stops

NOW = 1_750_000_000_000
READ_WRITE = frozenset({"graph:read", "graph:write"})

_FIELDS: dict[str, tuple[Hop, bool, str]] = {
    "owners": (OWNED_BY.out(), False, "DECLARED"),
    "tags": (TAGGED.out(), False, "DECLARED"),
    "domain": (CONTAINS.into("Domain"), False, "DECLARED"),
    "derivedFrom": (DERIVES.into("Dataset", "DatasetVersion"), False, "DECLARED"),
    "producedBy": (PRODUCES.into("Run"), False, "DECLARED"),
    "trainedOn": (FEEDS.into("Dataset", "DatasetVersion"), False, "DECLARED"),
    "usedFeatures": (FEEDS.into("Feature", "FeatureSet"), False, "DECLARED"),
    "features": (CONTAINS.out("Feature"), False, "DECLARED"),
    "featureSet": (CONTAINS.into("FeatureSet"), False, "DECLARED"),
    "workflow": (RUN_OF.out(), False, "DECLARED"),
    "inputs": (INPUT_TO.into(), True, "OBSERVED"),
    "outputs": (PRODUCES.out(), True, "OBSERVED"),
    "model": (VERSION_OF.out(), False, "DECLARED"),
    "startedBy": (STARTED_BY.out(), False, "OBSERVED"),
    "modelVersion": (DEPLOYED_AS.into(), False, "DECLARED"),
}

_VERTICES = "g.V().has('tenant', tenant).project('x', 'k', 'p').by(id()).by(label()).by(valueMap())"
_EDGES = """g.V().has('tenant', tenant).outE().project('l', 'o', 'i', 'p')
  .by(label()).by(outV().id()).by(inV().id()).by(valueMap())"""


def urn(text: str) -> str:
    """Return the URN of ``kind name[@version]``; teams, tags and domains are the catalog's."""
    slug, name = text.split()
    source = "catalog" if slug in {"team", "user", "tag", "domain"} else "test"
    name, _, version = name.partition("@")
    return make_urn(slug, source, "", name, version or None)


def asset(
    text: str, values: Mapping[str, Any] | None = None, **fields: Iterable[str] | Mapping[str, Any]
) -> RegisterCommand:
    """Return a registration of ``kind name[@version]``; fields are lists of far ends, owners map them to kinds."""
    return RegisterCommand(urn(text), values or {}, edges(text, **fields))


def edges(text: str, **fields: Iterable[str] | Mapping[str, Any]) -> tuple[DeclaredEdges, ...]:
    """Return the edges declared by the fields of an item."""
    kind = parse_urn(urn(text)).kind
    found = []
    for name, far in fields.items():
        hop, adds, origin = _FIELDS[name]
        details = far if isinstance(far, Mapping) else dict.fromkeys(far)
        targets = {urn(other): {"kinds": kinds} if kinds else {} for other, kinds in details.items()}
        found.append(DeclaredEdges(hop, f"{kind}.{name}", targets, adds, origin))
    return tuple(found)


def set_owners(text: str, *owners: str) -> RegisterCommand:
    """Return the command of `setOwners`, which replaces the owners of an asset; it does not register a stub."""
    targets = {urn(each): {"kinds": ["TECHNICAL"]} for each in owners}
    declared = DeclaredEdges(OWNED_BY.out(), f"{parse_urn(urn(text)).kind}.owners", targets, replaces_all=True)
    return RegisterCommand(urn(text), {}, (declared,), action=ChangeAction.OWNERS_SET, id_path="asset")


def link(relation: str, source: str, target: str, **details: object) -> LinkCommand:
    """Return a link between ``kind name`` and ``kind name``."""
    return LinkCommand(relation, urn(source), urn(target), {"origin": "DECLARED", **details})


def person(subject: str, *teams: str, roles: str = "", tenant: str = "default") -> Principal:
    """Return a caller with the scopes to read and write, and as administrator the scope for administration."""
    return Principal(
        subject,
        PrincipalKind.PERSON,
        tenant,
        teams=frozenset(map(urn, teams)),
        roles=frozenset(roles.split()),
        scopes=READ_WRITE | ({"graph:admin"} if "admin" in roles.split() else set()),
    )


@cache
def shipped_policy() -> Policy:
    """Return the policy as the product loads it, the same each time: it takes tenths of a second."""
    return Policy.load(None, governed_fields(build_schema().core))


def shipped_stops() -> frozenset[str]:
    """Return the kinds at which sensitivity stops, as the product loads them."""
    return load_stops(SHIPPED, ASSETS)


@dataclass(frozen=True)
class Writers:
    """Makes writers of one process over one store."""

    client: GremlinClient
    policy: Policy
    coordinator: WriteCoordinator

    def of(self, principal: Principal, chunk: int = 250, now: int = NOW) -> PolicedWriter:
        """Return the writer of a caller, with a stopped clock."""
        writer = PolicedWriter(self.client, self.coordinator, self.policy.access(principal), clock=lambda: now)
        writer.batch_size = chunk
        return writer


async def write_at_once(writer: PolicedWriter, items: Sequence[Command]) -> None:
    """Write each item as a call of its own, all at the same time, so that they share a transaction."""
    await asyncio.gather(*(writer.write([item], dry_run=False, atomic=False) for item in items))


@dataclass(frozen=True)
class Stored:
    """The stored data of a tenant: native values by URN, and edges by (relation, from, to).

    ``changes`` are the records of its audit, which are not among the values; the oldest first.
    """

    natives: dict[str, dict[str, Any]]
    labels: dict[str, str]
    edges: list[tuple[tuple[str, str, str], dict[str, Any]]]
    changes: list[dict[str, Any]]

    def history(self, urn: str) -> list[dict[str, Any]]:
        """Return the changes of one asset, the oldest first."""
        return [change for change in self.changes if change["subject"] == urn]

    @property
    def records(self) -> dict[str, dict[str, Any]]:
        """Return the records by URN."""
        return {key: orjson.loads(values["record"]) for key, values in self.natives.items()}

    @property
    def edge_records(self) -> dict[tuple[str, str, str], dict[str, Any]]:
        """Return the records of the edges, and assert that none is stored twice."""
        assert len({key for key, _ in self.edges}) == len(self.edges)
        return {key: orjson.loads(values["record"]) for key, values in self.edges}


async def stored(graph: StoreGraph, tenant: str = "default") -> Stored:
    """Read all data of a tenant."""
    vertices: Any = await graph.run(_VERTICES, tenant=tenant)
    joined: Any = await graph.run(_EDGES, tenant=tenant)
    many = {each.name for each in NATIVE_PROPERTIES if each.many}
    changes = [orjson.loads(row["p"]["record"][0]) for row in vertices if row["k"] == "Change"]
    vertices = [row for row in vertices if row["k"] in KINDS]
    name = {row["x"]: row["p"]["urn"][0] for row in vertices}
    natives = {
        row["p"]["urn"][0]: {key: sorted(value) if key in many else value[0] for key, value in row["p"].items()}
        for row in vertices
    }
    return Stored(
        natives,
        {row["p"]["urn"][0]: row["k"] for row in vertices},
        [
            ((row["l"], name[row["o"]], name[row["i"]]), row["p"])
            for row in joined
            if {row["o"], row["i"]} <= name.keys()
        ],
        sorted(changes, key=lambda change: (change["createdAt"], change["subjectRevision"])),
    )
