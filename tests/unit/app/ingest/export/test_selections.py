"""What `mlg export` asks for; what comes of it is in tests/journeys/test_round_trip.py."""

from typing import Any

import pytest
from graphql import GraphQLSchema, parse, validate
from typer.testing import CliRunner

from app.cli.command_line import commands
from app.ingest.export.selections import (
    NEIGHBOURS_DOCUMENT,
    PORTABLE_KINDS,
    REGISTRIES,
    assets_document,
    registry_document,
)

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


def test_an_unknown_kind_is_refused() -> None:
    """`--kind` takes names of `AssetKind` only, and says so before anything is asked."""
    result = CliRunner().invoke(commands, ["export", "--url", "http://127.0.0.1:9", "--token", "t", "--kind", "MODLE"])
    assert result.exit_code == 2
    assert "MODLE" in result.stderr
