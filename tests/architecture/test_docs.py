"""The documentation agrees with the code: settings, commands, paths, functions, decisions and references."""

import importlib
import re
from collections.abc import Iterator
from dataclasses import fields
from functools import reduce
from typing import Any

import pytest
from support.recipes import recipes
from support.references import broken_references, resolves
from support.source_tree import ROOT, files, modules, read
from typer.main import get_command

from app.cli.command_line import commands
from app.cli.lazy_commands import DeferredCommand
from app.http.without_token import WITHOUT_TOKEN
from app.settings import FILE_SUFFIX, Settings

DOCS = [name for name in files() if name.endswith(".md")]
DECISIONS = [name for name in files() if name.startswith("docs/adr/")]

PATH = re.compile(
    r"`((?:app|graphql_schema|policies|tests|docs|requirements|bench)/[\w./-]+|[\w-]+\.(?:md|toml|yaml))`"
)
FUNCTION = re.compile(r"`((?:app|graphql_schema|policies)(?:\.\w+)*):([\w.]+)`")
DOTTED = re.compile(r"`((?:app|graphql_schema|policies)(?:\.\w+)+)(?:\(\))?`")
LINK = re.compile(r"\]\((?!https?://)([^)#]*)(#[^)]+)?\)")
TARGET = re.compile(r"`make ([a-z-]+)")

DIAGRAM = re.compile(r"(?ms)^```mermaid\n(.*?)^```$")
RESERVED = re.compile(r"(?m)(?:^|[&>]) *(graph|end|style|class|click|default|call|href)\b *(?=[\[&-])")
"""Words that Mermaid does not read as the name of a node, at the beginning of a line or after an arrow."""

NEW_FILES = {page.path: {step.path for step in page.steps if not step.is_change} for page in recipes()}
"""Files that each recipe adds, so that its page names them before they exist."""

BROKEN_ON_PURPOSE = {
    "tests/unit/support/test_references.py",
    "tests/unit/manual/test_navigation.py",
    "tests/unit/manual/test_page_sources.py",
}
"""Files whose references lead nowhere, because their tests need such, or make the pages that they name."""


def settings_table() -> str:
    """Return the table of docs/settings.md, made from the metadata of Settings."""
    rows = []
    for field in fields(Settings):
        key, default, about = (field.metadata[name] for name in ("key", "default", "about"))
        rows.append(f"| `{key}` | {default and f'`{default}`'} | {about} |")
    return "\n".join(["| key | default | what it does |", "|---|---|---|", *rows])


def leaves(command: Any, path: str = "mlg") -> Iterator[str]:
    """Yield the full names of all commands below one; deferred commands are imported."""
    found = command.resolve() if isinstance(command, DeferredCommand) else command
    below = getattr(found, "commands", None)
    if below is None:
        yield path
    for name, each in (below or {}).items():
        yield from leaves(each, f"{path} {name}")


COMMANDS = sorted(leaves(get_command(commands)))


def test_every_setting_is_documented() -> None:
    """docs/settings.md contains the table that is made from the settings, word for word."""
    assert settings_table() in read("docs/settings.md")


def test_every_secret_may_be_in_a_file() -> None:
    """docs/settings.md lists the variable with `_FILE` of each secret setting, and of no other one."""
    secrets = [field.metadata["key"] for field in fields(Settings) if field.metadata["secret"]]
    listed = re.findall(r"(?m)^\| `(\w+)` \| `(\w+)` \|$", read("docs/settings.md"))
    assert listed == [(key, key + FILE_SUFFIX) for key in secrets]


def test_what_needs_no_token_is_documented() -> None:
    """docs/identity.md contains the table that is made from the declarations, word for word."""
    rows = [
        f"| {each.kind} | `{each.name}` | {'`dev` only' if each.only_dev else 'always'} | {each.reason} |"
        for each in WITHOUT_TOKEN
    ]
    table = ["| what | name | exists | reason |", "|---|---|---|---|", *rows, "\n"]
    assert "\n".join(table) in read("docs/identity.md")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_documented(command: str) -> None:
    """docs/commands.md names each command of the command line."""
    assert re.search(rf"(?m)^\| `{command}\b", read("docs/commands.md"))


def test_every_documented_command_exists() -> None:
    """docs/commands.md lists no command that does not exist."""
    listed = re.findall(r"(?m)^\| `(mlg[a-z -]*[a-z])", read("docs/commands.md"))
    assert sorted(listed) == COMMANDS


@pytest.mark.parametrize("page", DOCS)
def test_every_path_on_a_page_exists(page: str) -> None:
    """Files and folders that a page names in backticks or links to exist."""
    text = read(page)
    folder = (ROOT / page).parent
    named = {match for match in PATH.findall(text) if not (ROOT / match).exists() and not (folder / match).exists()}
    linked = {match for match, _ in LINK.findall(text) if match and not (folder / match).exists()}
    assert named - NEW_FILES.get(page, set()) | linked == set()


@pytest.mark.parametrize("page", DOCS)
def test_every_link_to_a_section_leads_there(page: str) -> None:
    """The part of a link behind `#` is the anchor of a heading on the page that it leads to."""
    for target, anchor in LINK.findall(read(page)):
        path = (ROOT / page).parent.joinpath(target).resolve().relative_to(ROOT) if target else page
        assert not anchor or anchor in anchors(str(path)), f"{target}{anchor}"


def anchors(page: str) -> set[str]:
    """Return the anchors of the headings of a page, as GitHub makes them."""
    titles = re.findall(r"(?m)^#+ (.+)$", read(page))
    return {"#" + re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", DOCS)
def test_a_diagram_names_no_node_by_a_reserved_word(page: str) -> None:
    """Mermaid draws no diagram in which a node has a name such as `graph`; its label may be that."""
    assert [word for text in DIAGRAM.findall(read(page)) for word in RESERVED.findall(text)] == []


@pytest.mark.parametrize("page", DOCS)
def test_every_make_target_on_a_page_exists(page: str) -> None:
    """Each `make …` in backticks is a target of the Makefile."""
    targets = set(re.findall(r"(?m)^([a-z-]+):", read("Makefile")))
    assert set(TARGET.findall(read(page))) <= targets


@pytest.mark.parametrize("page", DOCS)
def test_every_function_on_a_page_exists(page: str) -> None:
    """Every `module:function` and every dotted path on a page can be imported."""
    text = read(page)
    for module, name in FUNCTION.findall(text):
        reduce(getattr, name.split("."), importlib.import_module(module))
    assert [dotted for dotted in DOTTED.findall(text) if not resolves(dotted)] == []


def test_every_reference_in_a_python_file_leads_somewhere() -> None:
    """Dotted paths in roles, pages, decisions and rules that comments and strings of Python files cite exist."""
    checked = (module for module in modules() if module.path not in BROKEN_ON_PURPOSE)
    assert [problem for module in checked for problem in broken_references(module)] == []


def test_the_request_flow_names_functions() -> None:
    """docs/request-flow.md names at least twelve functions, so that a reader can follow a request in the code."""
    assert len(set(FUNCTION.findall(read("docs/request-flow.md")))) >= 12


def test_decisions_are_numbered_without_gaps() -> None:
    """The numbers of the ADR files begin with 0001 and have no gap or duplicate."""
    numbers = [name.removeprefix("docs/adr/").partition("-")[0] for name in DECISIONS]
    assert numbers == [f"{number:04}" for number in range(1, len(numbers) + 1)]


@pytest.mark.parametrize("page", DECISIONS)
def test_a_decision_has_three_sections(page: str) -> None:
    """Each ADR has the sections Context, Decision and Rejected, in this order, and none is empty."""
    sections = re.findall(r"(?ms)^## (\w+)\n+(\S.*?)(?=^## |\Z)", read(page))
    assert [title for title, _ in sections] == ["Context", "Decision", "Rejected"]
