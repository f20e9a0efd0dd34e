"""The section "A new kind" of CONTRIBUTING.md is sufficient: its example, in a copy of the packages, is a kind."""

import re
import subprocess
import sys
from pathlib import Path
from shutil import copytree, ignore_patterns
from textwrap import dedent

import pytest
from graphql import GraphQLInputObjectType, GraphQLObjectType, GraphQLSchema, build_schema
from support.source_tree import ROOT, read

KINDS = "graphql_schema/catalog/kinds.py"
GENERATE = """
from graphql_schema.schema import cedar_sdl, lineage_picture, sdl
print(sdl(), cedar_sdl(), lineage_picture(), sep="\\0")
"""


def example() -> tuple[str, str, str]:
    """Return the change of the catalog, the file and the labels of the example.

    The kinds have another name than on the page, so that the page may keep its example when a prompt becomes a kind.
    """
    section = re.search(r"(?ms)^## A new kind\n(.*?)^## ", read("CONTRIBUTING.md"))
    assert section is not None
    text = section[1].replace("Prompt", "Trial").replace("prompt", "trial")
    blocks = [dedent(block) for block in re.findall(r"(?ms)^( *```\w+\n.*?^ *```)\n", text)]
    change, file, labels, _ = (block.partition("\n")[2].removesuffix("```") for block in blocks)
    return change, file, labels


def changed(text: str, change: str) -> str:
    """Return a text with the added lines of a change below its one line of context."""
    context, *added = change.splitlines(keepends=True)
    assert text.count(context[1:]) == 1
    return text.replace(context[1:], context[1:] + "".join(line.removeprefix("+") for line in added))


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the packages with the lines of the example, and with nothing else changed."""
    tree = tmp_path_factory.mktemp("tree")
    for package in ("graphql_schema", "policies"):
        copytree(ROOT / package, tree / package, ignore=ignore_patterns("__pycache__"))
    change, file, labels = example()
    (tree / KINDS).write_text(changed((tree / KINDS).read_text(), change))
    (tree / "graphql_schema" / "assets" / "trial.py").write_text(file)
    with (tree / "policies" / "labels.toml").open("a") as end:
        end.write(labels)
    return tree


def generate(tree: Path) -> subprocess.CompletedProcess[str]:
    """Print the generated files of a tree, separated by null characters."""
    command = [sys.executable, "-c", GENERATE]
    return subprocess.run(command, cwd=tree, env={"PYTHONPATH": str(tree)}, capture_output=True, text=True, check=False)  # noqa: S603 - our own code


@pytest.fixture(scope="module")
def generated(tree: Path) -> list[str]:
    """Return the SDL, the Cedar schema and the picture of the tree."""
    result = generate(tree)
    assert result.returncode == 0, result.stderr
    return result.stdout.split("\0")


@pytest.fixture(scope="module")
def schema(generated: list[str]) -> GraphQLSchema:
    """Return the schema of the tree."""
    return build_schema(generated[0])


def test_the_types_and_mutations_follow(schema: GraphQLSchema) -> None:
    """The enum, the items of a bulk and the mutations have the new kinds, without a line elsewhere."""
    mutation, items = schema.type_map["Mutation"], schema.type_map["AssetInput"]
    assert isinstance(mutation, GraphQLObjectType)
    assert isinstance(items, GraphQLInputObjectType)
    assert {"registerTrial", "registerTrialVersion"} <= mutation.fields.keys()
    assert str(items.fields["trialVersion"].type) == "TrialVersionInput"
    version = schema.type_map["TrialVersion"]
    assert isinstance(version, GraphQLObjectType)
    assert {each.name for each in version.interfaces} == {"Asset", "AssetVersion", "Node"}


def test_the_policy_and_the_picture_follow(generated: list[str]) -> None:
    """The Cedar schema has the field that a rule may restrict, and the picture has the concept with its arrow."""
    _, cedar, picture = generated
    assert "TrialVersion.text" in cedar
    assert 'trial["Trial · TrialVersion"]' in picture
    assert "trial -- FEEDS --> model" in picture


def test_a_missing_step_is_named(tree: Path) -> None:
    """Without the file, without the line of the catalog and without labels, the error says what to add where."""
    file, labels = tree / "graphql_schema" / "assets" / "trial.py", tree / "policies" / "labels.toml"
    missing = {
        file: (None, "Trial has no entry: add one to ENTRIES in graphql_schema/assets/trial.py"),
        tree / KINDS: (
            read(KINDS),
            "Trial is no kind of the catalog; add it to KINDS in graphql_schema/catalog/kinds.py",
        ),
        labels: (read("policies/labels.toml"), "TrialVersion.text has no label: add a line under [TrialVersion]"),
    }
    for path, (text, message) in missing.items():
        complete = path.read_text()
        path.unlink() if text is None else path.write_text(text)
        assert message in generate(tree).stderr
        path.write_text(complete)
