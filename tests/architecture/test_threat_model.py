"""docs/threat-model.md: each threat names a test that exists, and each data flow has the six classes of STRIDE."""

import ast
import re
from functools import cache

from support.source_tree import ROOT, read

PAGE = "docs/threat-model.md"
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
NAME = re.compile(r"`(tests/[\w/]+\.py)?::(\w+)`")
"""A test of a row; one without a file is in the file of the test before it."""
ARROW = re.compile(r"(?m)^  \w+ -- (\d+) --> \w+$")
FLOW = re.compile(r"(?ms)^### (\d+)\. [^\n]+\n(.*?)(?=^##|\Z)")
ROW = re.compile(r"(?m)^\| ([A-Z]) \| (.+) \| (.+) \| (.+) \|$")


@cache
def named_tests(path: str) -> frozenset[str]:
    """Return the names of the tests in a file."""
    functions = (node for node in ast.walk(ast.parse((ROOT / path).read_text())) if not isinstance(node, ast.Module))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(each.name for each in functions if isinstance(each, kinds) and each.name.startswith("test_"))


def flows() -> dict[str, list[tuple[str, ...]]]:
    """Return the rows of the table of each flow, by the number of the flow."""
    return {number: ROW.findall(text) for number, text in FLOW.findall(read(PAGE))}


def names_of(line: str) -> list[tuple[str, str]]:
    """Return the file and the name of each test in a line."""
    found: list[tuple[str, str]] = []
    for path, name in NAME.findall(line):
        found.append((path or found[-1][0], name))
    return found


def test_every_named_test_exists() -> None:
    """A test that was renamed or removed leaves no threat without one, whether it is named with its file or without."""
    named = [each for line in read(PAGE).splitlines() for each in names_of(line)]
    assert len(named) > 500
    assert [f"{path}::{name}" for path, name in named if name not in named_tests(path)] == []


def test_every_class_of_attack_has_a_test() -> None:
    """Each row of the first table ends with a test."""
    table = read(PAGE).partition("## Data flows")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ") and not line.startswith("| class of attack")]
    assert len(rows) > 80
    assert [row for row in rows if not NAMED.search(row.rsplit("|", 2)[1])] == []


def test_every_flow_of_the_picture_has_its_classes() -> None:
    """The picture and the tables have the same flows, and each table has the six classes of STRIDE in their order."""
    arrows = ARROW.findall(read(PAGE))
    assert arrows == [str(number) for number in range(1, len(arrows) + 1)]
    assert {number: "".join(letter for letter, *_ in rows) for number, rows in flows().items()} == dict.fromkeys(
        arrows, "STRIDE"
    )


def test_every_threat_of_a_flow_has_a_test() -> None:
    """The last cell of each row is a test, and no other cell is empty."""
    rows = [row for each in flows().values() for row in each]
    assert [row for row in rows if not NAMED.fullmatch(row[3]) or not all(cell.strip() for cell in row)] == []
