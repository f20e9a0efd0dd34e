"""`mlg export`: what is read from an API of the contract gives the same graph when it is imported."""

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from graphql import GraphQLSchema, parse, validate
from typer.testing import CliRunner

from app.__main__ import commands
from app.ingest.demo.estate import demo_estate
from app.ingest.portable import (
    NEIGHBOURS_DOCUMENT,
    PORTABLE_KINDS,
    REGISTRIES,
    assets_document,
    registry_document,
)

if TYPE_CHECKING:
    from tests.app.ingest.conftest import ContractServer

DOCUMENTS = [
    *(assets_document(kind) for kind in PORTABLE_KINDS),
    *(registry_document(name) for name in REGISTRIES),
    NEIGHBOURS_DOCUMENT,
]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_document_is_valid(document: str, contract: GraphQLSchema) -> None:
    """The contract accepts each query of the export."""
    assert validate(contract, parse(document)) == []


def test_every_kind_and_own_field_is_exported(contract: GraphQLSchema) -> None:
    """No kind of asset is forgotten, and no input field that is not an edge, an envelope or a part of the id."""
    kinds: Any = contract.get_type("AssetKind")
    assert [kind.kind for kind in PORTABLE_KINDS] == list(kinds.values)
    envelope = {"source", "namespace", "name", "expectedRevision", "idempotencyKey", "dryRun"}
    edges = {
        "derivedFrom", "producedBy", "dataset", "features", "model", "trainingRun", "trainedOn", "basedOn", "inputs",
        "outputs", "partOf", "evaluatedOn", "run", "baseline", "calls", "subjects", "service", "modelVersion",
    }  # fmt: skip
    for kind in PORTABLE_KINDS:
        given: Any = contract.get_type(f"{kind.type}Input")
        document = assets_document(kind)
        missing = {name for name in given.fields if name not in document} - envelope - edges
        assert missing == set(), kind.kind


def test_an_exported_graph_imports_as_the_same_graph(server: "ContractServer") -> None:
    """The demo estate, exported, loaded into an empty graph: same assets, same edges."""
    server.graph.load(demo_estate())
    before = server.graph.snapshot()
    command = [sys.executable, "-m", "app", "export", "--url", server.url, "--token", "t"]
    exported = subprocess.run(command, capture_output=True, check=True).stdout  # noqa: S603 - our own command
    server.graph.clear()
    server.graph.load(map(json.loads, exported.splitlines()))
    bodies, edges = server.graph.snapshot()
    assert {urn: body for urn, body in bodies.items() if body != before[0].get(urn)} == {}
    assert bodies.keys() == before[0].keys()
    assert edges == before[1]


def test_one_kind_can_be_exported_alone(server: "ContractServer") -> None:
    """`--kind` gives the assets of the kind and the edges that leave them only, and an unknown kind is refused."""
    server.graph.load(demo_estate())
    command = ["export", "--url", server.url, "--token", "t", "--kind"]
    result = CliRunner().invoke(commands, [*command, "MODEL_VERSION"])
    items = [json.loads(line) for line in result.stdout.splitlines()]
    assert sum("modelVersion" in item for item in items) == 27
    links = [item["link"] for item in items if "modelVersion" not in item]
    assert links
    assert all(link["from"].startswith("mlg://model-version/") for link in links)
    assert CliRunner().invoke(commands, [*command, "MODLE"]).exit_code == 2
