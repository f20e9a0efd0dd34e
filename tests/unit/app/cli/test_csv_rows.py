"""Responses as CSV: rows, columns and cells, and that no cell is a formula."""

import csv
import io
from typing import Any

import pytest

from app.cli.csv_rows import csv_text
from policies.errors import InvalidError


def rows(data: dict[str, Any]) -> list[dict[str, str]]:
    """Return the rows as a reader of CSV sees them."""
    return list(csv.DictReader(io.StringIO(csv_text(data), newline="")))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"assets": {"nodes": [{"id": "a"}, {"id": "b"}]}}, [{"id": "a"}, {"id": "b"}]),
        ({"assets": {"totalCount": 1, "edges": [{"cursor": "c", "node": {"id": "a"}}]}},
         [{"cursor": "c", "node.id": "a"}]),
        ({"nodes": [{"id": "a", "team": {"name": "t"}}, None, {"id": "b", "x": 1}]},
         [{"id": "a", "team.name": "t", "x": "", "value": ""}, {"id": "", "team.name": "", "x": "", "value": ""},
          {"id": "b", "team.name": "", "x": "1", "value": ""}]),
        ({"a": {"names": ["x", 'y,"z"\n']}}, [{"value": "x"}, {"value": 'y,"z"\n'}]),
        ({"a": [{"n": None, "b": True, "f": -1.5, "l": [{"id": 1}]}]},
         [{"n": "", "b": "true", "f": "-1.5", "l": '[{"id":1}]'}]),
        ({"a": {"nodes": []}}, []),
    ],
)  # fmt: skip
def test_the_list_is_the_rows(data: dict[str, Any], expected: list[dict[str, str]]) -> None:
    """Elements are rows, paths are columns in the order of their first appearance, and other values are JSON."""
    assert rows(data) == expected


@pytest.mark.parametrize(
    ("data", "found"), [({"a": 1}, "none"), ({"a": {"nodes": []}, "b": [1]}, r"a\.nodes, b"), ({}, "none")]
)
def test_one_list_is_needed(data: dict[str, Any], found: str) -> None:
    """The error names the lists of the response."""
    with pytest.raises(InvalidError, match=f"this one has {found}. Select one list"):
        csv_text(data)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t1", "\r1", "\n1", "\r\n1"])
def test_no_text_is_a_formula(text: str) -> None:
    """A description that someone else wrote does not run in the spreadsheet of its reader."""
    assert rows({"a": [{"d": text}, {"d": f" {text}"}]})[0]["d"] == f"'{text}"


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
@pytest.mark.parametrize("separator", [";", "\t", "\n", "\r", "\r\n", ';"', ';""'])
def test_no_part_of_a_text_is_a_formula(sign: str, separator: str) -> None:
    """A spreadsheet with another list separator divides a cell there; elsewhere the signs stay."""
    text = f"a{sign}b{separator}{sign}1{separator} {sign}2"
    assert rows({"a": [{"d": text}]})[0]["d"] == f"a{sign}b{separator}'{sign}1{separator} {sign}2"


def test_no_part_of_a_list_is_a_formula() -> None:
    """The texts of a list are in one cell, as JSON; a number stays one."""
    assert rows({"a": [{"d": ["x;=1", "=2"], "n": -1}]}) == [{"d": '["x;\'=1","=2"]', "n": "-1"}]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("##vso[task.x]y", "##vso [task.x]y"),
        ("a\n::error::x", "a\n: :error::x"),
        ("a\r::error::x", "a\r: :error::x"),
        ("a\n\t::error::x", "a\n\t: :error::x"),
        ("a\r\n\u00a0::error::x", "a\r\n\u00a0: :error::x"),
        ("a##[x]", "a## [x]"),
        ("b::c", "b::c"),
    ],
)
def test_no_text_is_a_command_of_a_job(text: str, expected: str) -> None:
    """A job of continuous integration prints the list to its log, which runs the commands of its lines."""
    assert rows({"a": [{"d": text, "l": [text]}]})[0]["d"] == expected
