"""Writes many vertices quickly: only the values that index and policy read, with the write statement of the product."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import Any

import orjson

from app.graph.commits.write_set import WriteSet
from app.graph.commits.write_statements import WRITE
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.records.vertex_id import vertex_id
from graphql_schema.catalog.enums import LifecycleStage, Sensitivity, Visibility
from graphql_schema.catalog.instants import FOREVER
from graphql_schema.catalog.kinds import KIND_OF_CODE, KINDS
from graphql_schema.catalog.urn import make_urn
from policies.attributes import PolicyAttributes

ASSET_KINDS = tuple(kind.code for kind in KINDS.values() if kind.asset)
CHUNK = 1_000


def every_class(owners: Sequence[str]) -> list[PolicyAttributes]:
    """Return every asset class with one of these owners; RESTRICTED ones also as raised by others."""
    kinds_and_owners = product(ASSET_KINDS, owners, (each.name for each in Visibility))
    levels = [*product((each.name for each in Sensitivity), (each.name for each in LifecycleStage))]
    declared = [PolicyAttributes(*first, level, stage, level) for first in kinds_and_owners for level, stage in levels]
    raised = [row._replace(confirmed_sensitivity="INTERNAL") for row in declared if row.sensitivity == "RESTRICTED"]
    return declared + raised


async def load(client: GremlinClient, tenant: str, rows: Iterable[PolicyAttributes]) -> list[int]:
    """Write a vertex for each row, numbered from 0, and return their ids."""
    vertices = [*_vertices(tenant, rows)]
    for start in range(0, len(vertices), CHUNK):
        await _write(client, vertices[start : start + CHUNK])
    return [vertex["x"] for vertex in vertices]


async def load_one(client: GremlinClient, tenant: str, urn: str, row: PolicyAttributes) -> None:
    """Write one vertex under an id of its own."""
    await _write(client, [_vertex(tenant, urn, 0, row)])


async def _write(client: GremlinClient, vertices: Sequence[dict[str, Any]]) -> None:
    await client.submit(WRITE, {**WriteSet().bindings(), "vertices": vertices}, writes=True)


def _vertices(tenant: str, rows: Iterable[PolicyAttributes]) -> Iterator[dict[str, Any]]:
    for number, row in enumerate(rows):
        kind = KIND_OF_CODE[row.kind]
        urn = make_urn(kind.slug, "test", "", f"a{number}", "1" if kind.versioned else None)
        yield _vertex(tenant, urn, number, row)


def _vertex(tenant: str, urn: str, number: int, row: PolicyAttributes) -> dict[str, Any]:
    shown = {
        **row.named(),
        "tenant": tenant,
        "source": "test",
        "namespace": "",
        "name": f"a{number % 500}",
        "hydration": "FULL",
        "createdAt": 1_700_000_000_000 + number,
        "updatedAt": 1_700_000_000_000 + number,
        "revision": 1,
    }
    record = orjson.dumps({"id": urn, **shown}).decode()
    values = {**shown, "urn": urn, "domain": "", "deletedAt": FOREVER, "record": record}
    sets = {"owners": [row.owner_team], "tags": [""]}
    return {"x": vertex_id(tenant, urn), "k": KIND_OF_CODE[row.kind].name, "fresh": True, "p": values, "s": sets}
