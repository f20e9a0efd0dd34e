"""Aliases as a viewer sees them, and the command of ``setAlias`` with its refusals."""

# mypy: disable-error-code="index"
# A response of another shape fails the test.

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from strawberry.types import ExecutionResult
from support.stores.plain_reader import PlainGraph

from graphql_schema.governance.aliases import checked_name
from graphql_schema.inputs.values import InputError
from graphql_schema.ports.commands import ANY, RemoveAliasCommand, SetAliasCommand

Run = Callable[..., Awaitable[ExecutionResult]]
MODEL = "mlg://model/test/default/ranker"
V1, V2 = (f"mlg://model-version/test/default/ranker@{number}" for number in (1, 2))
GONE = "mlg://model-version/test/default/ranker@9"
ALIASES = "query ($id: ID!) { asset(id: $id) { ... on Model { aliases { name protected version { version } } } } }"
SET = """mutation ($input: SetAliasInput!) { setAlias(input: $input) {
  alias { name version { version } } changed errors { code message inputPath } } }"""


@pytest.fixture
def model(graph: PlainGraph) -> str:
    """Add a model with two versions and four aliases, of which two point at versions that are not shown."""
    graph.add("MODEL_VERSION", "ranker", version="1")
    graph.add("MODEL_VERSION", "ranker", version="2", deletedAt=7)
    stored = {
        name: {"version": version, "protected": name == "champion", "since": since, "setBy": "ada"}
        for name, version, since in (("stable", V1, 9), ("champion", V1, 5), ("old", V2, 1), ("secret", GONE, 1))
    }
    return graph.add("MODEL", "ranker", aliases=stored)


async def test_aliases_of_shown_versions_are_listed_by_name(run: Run, model: str) -> None:
    """An alias of a deleted or hidden version is left out, because its name would disclose the version."""
    found = await run(ALIASES, id=model)
    assert found.errors is None
    one = {"version": "1"}
    assert found.data["asset"]["aliases"] == [
        {"name": "champion", "protected": True, "version": one},
        {"name": "stable", "protected": False, "version": one},
    ]


async def test_a_model_without_aliases_has_an_empty_list(run: Run, graph: PlainGraph) -> None:
    """No alias was ever set, so there is nothing to read."""
    assert (await run(ALIASES, id=graph.add("MODEL", "plain"))).data == {"asset": {"aliases": []}}


async def test_a_version_lists_the_aliases_that_point_at_it(run: Run, graph: PlainGraph, model: str) -> None:
    """The names are sorted; without a visible model, or where its aliases are hidden, the list is null."""
    query = "query ($id: ID!) { asset(id: $id) { ... on ModelVersion { aliases } } }"
    assert (await run(query, id=V1)).data == {"asset": {"aliases": None}}
    graph.join("VERSION_OF", V1, model)
    assert (await run(query, id=V1)).data == {"asset": {"aliases": ["champion", "stable"]}}
    graph.hidden = {"MODEL": {"aliases"}}
    assert (await run(query, id=V1)).data == {"asset": {"aliases": None}}


@pytest.mark.parametrize("name", ["champion", "a", "A.b-c_9", "x" * 64])
def test_names_of_letters_digits_dots_dashes_and_underscores_are_valid(name: str) -> None:
    """A name of 64 characters is the longest."""
    assert checked_name(name, "alias") == name


@pytest.mark.parametrize("name", ["", "x" * 65, "a b", "a/b", "ä", "a\n", "a" * 90 + "!"])
def test_other_names_are_refused_with_the_field(name: str) -> None:
    """The message quotes at most 80 characters of the name."""
    with pytest.raises(InputError) as error:
        checked_name(name, "gate")
    assert error.value.path == ("gate",)
    assert error.value.message == (
        f"`gate` is {name[:80]!r}; write 1 to 64 letters, digits, dots, dashes and underscores."
    )


@pytest.mark.parametrize(
    ("given", "command"),
    [
        ({}, SetAliasCommand(MODEL, "stable", V1, ANY)),
        ({"expectedVersion": None}, SetAliasCommand(MODEL, "stable", V1, None)),
        ({"expectedVersion": V2}, SetAliasCommand(MODEL, "stable", V1, V2)),
        (
            {"protected": False, "reason": "calm"},
            SetAliasCommand(MODEL, "stable", V1, ANY, protected=False, reason="calm"),
        ),
        ({"protected": None, "reason": ""}, SetAliasCommand(MODEL, "stable", V1, ANY)),
    ],
)
async def test_the_command_has_what_was_given(
    run: Run, graph: PlainGraph, given: dict[str, Any], command: SetAliasCommand
) -> None:
    """An expected version of null means no version, and an absent one means any."""
    found = await run(SET, input={"model": MODEL, "alias": "stable", "version": V1, **given})
    assert found.errors is None
    ((sent,), _, _) = graph.registered[0]
    assert sent == command


@pytest.mark.parametrize(
    ("given", "path", "message"),
    [
        ({"model": V1}, ["model"], "is a ModelVersion; use the id of a Model"),
        ({"alias": "a b"}, ["alias"], "write 1 to 64 letters"),
        ({"version": MODEL}, ["version"], "is a Model; use the id of a ModelVersion"),
        (
            {"version": "mlg://model-version/test/default/other@1"},
            ["version"],
            "is not a version of mlg://model/test/default/ranker",
        ),
        ({"expectedVersion": "mlg://model-version/test/default/other@1"}, ["expectedVersion"], "is not a version of"),
        ({"expectedVersion": "nonsense"}, ["expectedVersion"], "nonsense"),
        ({"reason": "x" * 4_001}, ["reason"], "longer than 4000 characters"),
    ],
)
async def test_an_invalid_input_is_refused_at_its_field(
    run: Run, graph: PlainGraph, given: dict[str, Any], path: list[str], message: str
) -> None:
    """The writer is not called, and the error names the field."""
    found = await run(SET, input={"model": MODEL, "alias": "stable", "version": V1, **given})
    assert found.errors is None
    payload = found.data["setAlias"]
    assert (payload["alias"], payload["changed"]) == (None, False)
    ((error),) = payload["errors"]
    assert (error["code"], error["inputPath"]) == ("INVALID", path)
    assert message in error["message"]
    assert graph.registered == []


REMOVE = """mutation ($input: RemoveAliasInput!) { removeAlias(input: $input) {
  changed errors { code inputPath } } }"""


@pytest.mark.parametrize(
    ("given", "command"),
    [
        ({}, RemoveAliasCommand(MODEL, "stable")),
        ({"expectedVersion": None, "setByMe": None, "reason": ""}, RemoveAliasCommand(MODEL, "stable")),
        (
            {"expectedVersion": V2, "setByMe": True, "reason": "gone"},
            RemoveAliasCommand(MODEL, "stable", V2, own=True, reason="gone"),
        ),
    ],
)
async def test_the_removal_has_what_was_given(
    run: Run, graph: PlainGraph, given: dict[str, Any], command: RemoveAliasCommand
) -> None:
    """An absent condition and null are the same."""
    found = await run(REMOVE, input={"model": MODEL, "alias": "stable", **given})
    assert found.errors is None
    assert graph.registered[0][0] == [command]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"model": V1}, "model"),
        ({"alias": "a b"}, "alias"),
        ({"expectedVersion": MODEL}, "expectedVersion"),
        ({"expectedVersion": V1.replace("@", "-other@")}, "expectedVersion"),
        ({"reason": "x" * 4_001}, "reason"),
    ],
)
async def test_an_invalid_removal_is_refused_at_its_field(
    run: Run, graph: PlainGraph, given: dict[str, str], field: str
) -> None:
    """The writer is not called."""
    found = await run(REMOVE, input={"model": MODEL, "alias": "stable", **given})
    assert found.errors is None
    assert found.data["removeAlias"] == {"changed": False, "errors": [{"code": "INVALID", "inputPath": [field]}]}
    assert graph.registered == []
