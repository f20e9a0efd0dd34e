"""The reference of the policy has what the files of the policy have, compared by reading these as text."""

import re
import tomllib

import pytest
from support.source_tree import read

from graphql_schema.operation.field_guards import governed_fields
from graphql_schema.schema import build_schema
from manual.policy_reference import FOLDER, policy_pages
from policies.policy import Policy

CEDAR = "".join(read(f"policies/{name}.cedar") for name in ("rows", "fields", "writes"))


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    """Return the pages of the shipped policy, by name."""
    texts = policy_pages(Policy.load(None, governed_fields(build_schema().core)))
    return {path.removeprefix(f"{FOLDER}/").removesuffix(".md"): text for path, text in texts.items()}


def test_each_role_and_persona_has_a_row(pages: dict[str, str]) -> None:
    """The roles with their texts, and the personas with their roles, are those of the files."""
    roles = tomllib.loads(read("policies/roles.toml"))["roles"]
    assert [row for name, about in roles.items() if (row := f"| `{name}` | {about} |") not in pages["roles"]] == []
    personas = re.findall(r"(?m)^\[([\w-]+)\]$", read("policies/personas.toml"))
    assert re.findall(r"(?m)^\| `([\w-]+)` \|", pages["roles"]) == [*roles, *personas]


def test_each_rule_has_a_row_with_its_actions(pages: dict[str, str]) -> None:
    """The ids, texts and effects are those in the Cedar files, and the actions those that a rule names."""
    written = re.findall(r'@id\("([\w-]+)"\)\n@doc\("(.*?)"\)\n(permit|forbid) \((.*?)\n\)', CEDAR, re.DOTALL)
    rows = re.findall(r"(?m)^\| `([\w-]+)` \| (\w+) \| (.*?) \| (.*) \|$", pages["rules"])
    assert len(written) == 20
    assert sorted((name, doc, effect) for name, doc, effect, _ in written) == sorted(
        (name, doc, effect) for name, effect, _, doc in rows
    )
    named = {name: sorted(re.findall(r'Action::"(\w+)"', head)) for name, _, _, head in written}
    assert {name: sorted(re.findall(r"`(\w+)`", actions)) for name, _, actions, _ in rows} == named


@pytest.mark.parametrize("label", ["restricted", "secret"])
def test_each_protected_field_is_listed(pages: dict[str, str], label: str) -> None:
    """Under the heading of a label are the types and fields that the file gives this label."""
    labels = tomllib.loads(read("policies/labels.toml"))
    written = {
        name: sorted(field for field, each in fields.items() if each == label) for name, fields in labels.items()
    }
    chapter = pages["labels"].partition(f"(label-{label})=\n")[2].partition("\n(label-")[0]
    rows = re.findall(r"(?m)^\| \[(\w+)\]\(#\1\) \| (.*) \|$", chapter)
    assert {name: sorted(re.findall(r"`(\w+)`", fields)) for name, fields in rows} == {
        name: fields for name, fields in written.items() if fields
    }


def test_each_gate_has_its_conditions(pages: dict[str, str]) -> None:
    """The gates of the file are there, with the moves that they apply to and what they demand."""
    assert re.findall(r"(?m)^\| `([\w-]+)` \|", pages["gates"]) == re.findall(
        r'(?m)^id = "(.*)"', read("policies/gates.toml")
    )
    assert "| every move | `evaluations`: True; `incidents`: HIGH, CRITICAL |" in pages["gates"]
    assert "| `riskTiers`: MEDIUM | `approvals`: release |" in pages["gates"]


def test_the_matrix_has_each_line_of_the_decision_table(pages: dict[str, str]) -> None:
    """Each caller with all lines of the table that tests compare with the rules, and no comment of it."""
    table = read("tests/unit/policies/decision_table.txt")
    callers = re.findall(r"(?m)^([^#\s:]+): .*$", table)
    assert re.findall(r"(?m)^## (\S+)$", pages["matrix"]) == callers
    written = [re.split(r" *\| ", line.replace("*", "any")) for line in re.findall(r"(?m)^(?:sees|does) .*$", table)]
    rows = re.findall(r"(?m)^\| ((?:sees|does) .*) \|$", pages["matrix"])
    assert [row.split(" | ") for row in rows] == written
    assert re.search(r"(?m)^## anonymous\n\n.*\n\nNothing\.$", pages["matrix"])
    assert len(callers) >= 10
