"""The recipes of `docs/recipes/` are sufficient: each adds its example to a copy, and each missing step is named."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLEnumType, GraphQLSchema, build_schema
from support.recipes import JOURNEYS, WORDS, Recipe, Step, changed, recipe, recipes
from support.scratch_copy import Run, run, scratch_copy
from support.source_tree import read

pytestmark = pytest.mark.long

INSTEAD = "zebra"
"""The word that replaces the subject of each example, so that a page may keep it when the product has it."""

SDL_FILE = "graphql_schema/schema.graphql"
GENERATED = "test_schema.py", "Run `.venv/bin/python -m graphql_schema.schema`"
TWIN = "test_twins.py"

JOURNEY = None
"""A test over the store, whose absence no check can notice."""

Named = tuple[str, str]
"""The end of the path of the check that fails without a step, empty for the generator, and a part of its message."""


@dataclass(frozen=True)
class Subject:
    """A page: the pages to follow before, and what names each of its steps, in order.

    ``None`` is for a step whose absence no check can notice. The generated files are the last step.
    """

    named: tuple[Named | None, ...]
    exists: Callable[["Done"], bool]
    before: tuple[str, ...] = ()
    code: str = ""


@dataclass(frozen=True)
class Done:
    """A copy with all steps of a page, and what its run printed."""

    tree: Path
    output: str

    @property
    def schema(self) -> GraphQLSchema:
        """Return the generated schema."""
        return build_schema((self.tree / SDL_FILE).read_text())

    def has(self, *coordinates: str) -> bool:
        """Return whether the schema has these fields or values, such as ``Model.task``."""
        return all(self._has(*coordinate.split(".")) for coordinate in coordinates)

    def governs(self, field: str) -> bool:
        """Return whether the Cedar schema has a field, so that a rule may restrict it."""
        return f'action "{field}"' in (self.tree / "policies/policies.cedarschema").read_text()

    def _has(self, name: str, member: str) -> bool:
        type_: Any = self.schema.type_map[name]
        members: Any = type_.values if isinstance(type_, GraphQLEnumType) else type_.fields
        return member in members


def _kind_exists(done: Done) -> bool:
    version: Any = done.schema.type_map["ZebraVersion"]
    picture = (done.tree / "README.md").read_text()
    return (
        done.has(
            "Mutation.registerZebra", "Mutation.registerZebraVersion", "AssetInput.zebraVersion", "AssetKind.ZEBRA"
        )
        and {each.name for each in version.interfaces} == {"Asset", "AssetVersion", "Node"}
        and done.governs("ZebraVersion.text")
        and 'zebra["Zebra · ZebraVersion"]' in picture
        and "zebra -- FEEDS --> model" in picture
    )


def _relation_exists(done: Done) -> bool:
    fields = "Workflow.zebras", "Model.zebraedBy"
    return done.has("Relation.ZEBRAS", "WorkflowInput.zebras", *fields) and all(map(done.governs, fields))


SUBJECTS = {
    "new_kind": Subject(
        (
            ("", "Zebra is no kind of the catalog; add it to KINDS in graphql_schema/catalog/kinds.py"),
            ("", "Zebra has no entry: add one to ENTRIES in graphql_schema/assets/zebra.py"),
            ("", "ZebraVersion.text has no label: add a line under [ZebraVersion]"),
            ("hand_written_list", "'ZebraVersion.version public'] into tests/unit/policies/labels_by_hand.txt"),
            JOURNEY,
            GENERATED,
        ),
        _kind_exists,
    ),
    "new_field": Subject(
        (
            ("", "Model.zebra has a label and does not exist"),
            (
                "test_selections.py",
                "ModelInput lacks {'zebra'}: add them to the input in graphql_schema/assets/model.py",
            ),
            ("", "Model.zebra has no label: add a line under [Model]"),
            ("hand_written_list", "['Model.zebra restricted'] into tests/unit/policies/labels_by_hand.txt"),
            JOURNEY,
            GENERATED,
        ),
        lambda done: done.has("Model.zebra", "ModelInput.zebra") and done.governs("Model.zebra"),
    ),
    "new_native_property": Subject(
        (
            ("test_store_schema.py", "lacks {'zebra'}, compared with the"),
            ("test_store_schema.py", "a step in STEPS of app/graph/admin/schema_steps.py"),
            ("test_store_schema.py", "has the keys {'zebra'}"),
        ),
        lambda done: "native value: Acme" in done.output,
        before=("new_field",),
        code="""
from app.graph.records.native.vertex_values import native_values
from app.graph.records.vertex_record import stub
record = stub("acme", "mlg://model/mlflow/default/ranker", "ada", 1) | {"zebra": "Acme"}
print("native value:", native_values(record)[0]["zebra"])
""",
    ),
    "new_filter": Subject(
        (None, JOURNEY, GENERATED),  # without its line there is no filter that a check could find incomplete
        lambda done: done.has("AssetFilter.zebras") and "In(key='zebra', values=('Acme',))" in done.output,
        before=("new_field", "new_native_property"),
        code="""
from graphql_schema.fields.filters import AssetFilter, asset_listing
print(asset_listing(AssetFilter(zebras=["Acme"]), None))
""",
    ),
    "new_relation": Subject(
        (
            ("", "cannot import name 'ZEBRAS' from 'graphql_schema.catalog.relations'"),
            ("", "name 'ZEBRAS' is not defined"),
            ("", "Workflow.zebras has a label and does not exist"),
            ("", "Model.zebraedBy has a label and does not exist"),
            ("test_declared_edges.py", "No input has {'ZEBRAS'}: add a reference(…)"),
            (
                "test_selections.py",
                "The export lacks {'Workflow.zebras'}: add them to Export(…) in graphql_schema/assets",
            ),
            ("", "Workflow.zebras has no label: add a line under [Workflow]"),
            JOURNEY,
            GENERATED,
        ),
        _relation_exists,
    ),
    "new_mutation": Subject(
        (
            ("handlers", "ChangeAction.ZEBRAED"),
            ("", "name 'ZebraCommand' is not defined"),
            ("test_commands.py", "Add {'ZebraCommand'} to the union Command in graphql_schema/ports/commands.py"),
            ("", "cannot import name 'zebra_asset' from 'graphql_schema.governance.lifecycle'"),
            (
                "test_mutation.py",
                "No type has zebra_asset of graphql_schema.governance.lifecycle: add a mutation to Mut",
            ),
            ("test_batch_planner.py", "No module named 'app.graph.writing.handlers.zebra'"),
            (
                "test_batch_planner.py",
                "{'ZebraCommand'} have no handler: add it to HANDLERS in app/graph/writing/batch",
            ),
            (TWIN, "'app/graph/writing/handlers/zebra.py'"),
            JOURNEY,
            GENERATED,
        ),
        lambda done: done.has("Mutation.zebraAsset", "ChangeAction.ZEBRAED"),
    ),
    "new_job": Subject(
        (
            ("test_background_jobs.py", "No module named 'app.graph.jobs.outbox_zebra'"),
            ("test_background_jobs.py", "Nothing starts OutboxZebra of app.graph.jobs.outbox_zebra: add it to jobs_of"),
            (TWIN, "'app/graph/jobs/outbox_zebra.py'"),
        ),
        lambda done: "OutboxZebra" in done.output,
        code="""
from app.graph.commits.write_coordinator import WriteCoordinator
from app.graph.driver.gremlin_client import GremlinClient
from app.runtime.background_jobs import jobs_of
print([type(job).__name__ for job in jobs_of(GremlinClient("http://127.0.0.1:1"), WriteCoordinator())])
""",
    ),
}

MISSING = [
    (page, number)
    for page, subject in SUBJECTS.items()
    for number, named in enumerate(subject.named)
    if named is not None
]


def page_of(name: str) -> Recipe:
    """Return a recipe with the other word."""
    return recipe(name, INSTEAD)


def copy_with(name: str, folder: Path, without: Step | None = None) -> Path:
    """Return a copy with the steps of a page and of those before it, except one step."""
    tree = scratch_copy(folder)
    for page in (*SUBJECTS[name].before, name):
        for step in page_of(page).steps:
            if step != without:
                step.apply(tree)
    return tree


def commands_of(name: str) -> tuple[str, ...]:
    """Return the commands of a page, or of the pages before it if it has none of its own."""
    return page_of(name).commands or tuple(each for page in SUBJECTS[name].before for each in page_of(page).commands)


def run_without(name: str, number: int, folder: Path) -> Run:
    """Run in a copy that lacks a step what names the step: the generator, or else one check of the page."""
    page, (check, _) = page_of(name), SUBJECTS[name].named[number] or ("", "")
    tree = copy_with(name, folder, page.steps[number] if number < len(page.steps) else None)
    checks = [each for each in page.checks if check and each.endswith(check)]
    assert bool(checks) == bool(check), f"docs/recipes/{name}.md does not name the check {check}."
    return run(tree, () if checks else page.commands[:1], checks)


def test_every_page_is_run() -> None:
    """Each page of the folder is among the subjects, and CONTRIBUTING.md has a section with a link to it."""
    contributing = read("CONTRIBUTING.md")
    assert {each.name for each in recipes()} == SUBJECTS.keys() == WORDS.keys()
    for name, subject in SUBJECTS.items():
        assert f"## A {name.replace('_', ' ')}\n[docs/recipes/{name}.md]" in contributing
        page = page_of(name)
        assert len(subject.named) == len(page.steps) + bool(page.commands), f"{name} has other steps."


@pytest.mark.parametrize("name", SUBJECTS)
def test_a_complete_recipe_passes_its_checks(name: str, tmp_path: Path) -> None:
    """With all steps of a page the checks pass, and the subject of the example exists."""
    tree = copy_with(name, tmp_path / "tree")
    found = run(tree, commands_of(name), page_of(name).checks, SUBJECTS[name].code)
    assert found.passed, found.output
    assert SUBJECTS[name].exists(Done(tree, found.output)), found.output


@pytest.mark.parametrize(("name", "number"), MISSING)
def test_a_missing_step_is_named(name: str, number: int, tmp_path: Path) -> None:
    """Without one step the generator or a check of the page fails, and its message names what is missing."""
    found, named = run_without(name, number, tmp_path / "tree"), SUBJECTS[name].named[number]
    assert named is not None
    assert not found.passed
    assert named[1] in found.output


def test_a_filter_of_a_property_that_is_not_native_is_named(tmp_path: Path) -> None:
    """A filter whose property has no declaration would ask the index for a key that it does not have."""
    declaration = page_of("new_native_property").steps[0]
    tree = copy_with("new_filter", tmp_path / "tree", declaration)
    found = run(tree, (), ["tests/unit/graphql_schema/fields/test_filters.py"])
    assert "add {'zebra'} to NATIVE_PROPERTIES in graphql_schema/catalog/properties.py" in found.output


def test_a_property_without_a_field_is_named(tmp_path: Path) -> None:
    """A property that the schema does not show would have no mask, so its filter would disclose hidden values."""
    tree = scratch_copy(tmp_path / "tree")
    page_of("new_native_property").steps[0].apply(tree)
    found = run(tree, (), ["tests/unit/graphql_schema/catalog/test_properties.py"])
    assert "No type has the fields of {'zebra': 'zebra'}" in found.output


def test_pages_survive_that_their_steps_are_followed(tmp_path: Path) -> None:
    """The files have the lines of each page after all pages were followed, and the pages then fit once more."""
    tree = scratch_copy(tmp_path / "tree")
    for animal in ("quagga", "zebra"):
        for name in SUBJECTS:
            for step in recipe(name, animal + WORDS[name]).steps:
                step.apply(tree)


def test_every_page_has_a_test() -> None:
    """Each page has a step that writes or changes a test, and runs the new tests that need a store."""
    for page in recipes():
        paths = {step.path for step in page.steps}
        assert any(path.startswith("tests/") for path in paths), page.path
        assert {path for path in paths if path.startswith(JOURNEYS)} == {*page.journeys}, page.path


def test_a_change_that_does_not_fit_is_refused() -> None:
    """A page whose lines the file no longer has, or has twice, is out of date."""
    assert changed("a\nb\nc\n", " a\n+x\n@@\n-b\n c\n") == "a\nx\nc\n"
    assert changed("ba\na\n", " a\n+x\n") == "ba\na\nx\n"
    for text in ("b\n", "a\na\n", "ba\n"):
        with pytest.raises(ValueError, match="instead of once"):
            changed(text, " a\n+x\n")


def test_an_outdated_step_is_named(tmp_path: Path) -> None:
    """The error has the page, the number of the step, the file, the advice and the lines."""
    for name, text in (("models.py", "b\n"), ("new.py", "")):
        (tmp_path / name).write_text(text)
    place = "docs/recipes/new_field.md, step 3"
    with pytest.raises(
        ValueError, match=rf"{place}: models.py has these lines 0 times .* update the block on the page:\na"
    ):
        Step(place, "models.py", " a\n+x\n", is_change=True).apply(tmp_path)
    with pytest.raises(ValueError, match=rf"{place}: new.py exists already; update the page"):
        Step(place, "new.py", "", is_change=False).apply(tmp_path)
    with pytest.raises(ValueError, match=rf"{place}: gone.py does not exist; update the page"):
        Step(place, "gone.py", " a\n", is_change=True).apply(tmp_path)
    assert [step.place for step in page_of("new_field").steps][2] == place
