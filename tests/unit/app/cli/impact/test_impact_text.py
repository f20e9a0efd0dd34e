"""The impact as text and as Markdown: headlines, tables with a limit, and values that stay text."""

from typing import Any

import pytest
from markdown_it import MarkdownIt

from app.cli.impact.change_impact import ChangeImpact, FailOn
from app.cli.impact.changed_files import NamedAsset
from app.cli.impact.impact_text import MARK, MAX_ROWS, headline, markdown_of, text_of

EVIL = "a|b [x](https://evil.example) ![i](x) @team <b>#1</b> `c` *d* _e_ \\| \n| new | \x1b[31m $x$ www.evil.example"


def reached(name: str, depth: int = 2, via: str = "w", oncall: str | None = None, team: str | None = None) -> Any:
    """Return an affected asset as the API returns it."""
    asset: dict[str, Any] = {"id": name, "displayName": name, "ownerTeam": team and {"displayName": team}}
    return {"depth": depth, "via": ["v", via, name], "asset": {**asset, "oncall": oncall}}


def impact(*services: Any, teams: Any = (), name: str = "etl", count: int = 0, **completeness: Any) -> ChangeImpact:
    """Return the impact of one workflow."""
    body = {
        "total": len(services),
        "countsByKind": [{"kind": "SERVICE", "count": count or len(services)}] if services else [],
        "services": {"nodes": list(services)},
        "experiments": {"nodes": []},
        "teams": list(teams),
        "teamsComplete": True,
        "completeness": {"state": "COMPLETE", "reason": None, **completeness},
    }
    return ChangeImpact(1, [NamedAsset("w", name, "git#etl")], body)


def test_no_name_is_a_command_of_the_job() -> None:
    """The owner of a downstream asset chooses its name, and the log of the job of another has it."""
    names = ("##[set-output name=gate]open", "::stop-commands::x1", "##vso[task.setvariable variable=PATH]/tmp")
    lines = text_of(
        impact(*map(reached, names), name="::error::x"), FailOn.PRODUCTION, "https://mlg.example/"
    ).splitlines()
    assert not [line for line in lines if "##[" in line or "##vso[" in line or line.lstrip().startswith("::")]
    assert sum("set-output" in line or "stop-commands" in line or "setvariable" in line for line in lines) == 3


def test_the_text_of_an_impact() -> None:
    """The text has the headline, the counts, the tables that have rows, and the link."""
    teams = [{"assets": 1, "reasons": ["OWNS", "ONCALL"], "team": {"id": "t", "displayName": "ads"}}]
    found = impact(reached("shop", 1, oncall="pager"), reached("web", team="web team"), teams=teams)
    assert text_of(found, FailOn.PRODUCTION, "https://mlg.example/").splitlines() == [
        "This change reaches production",
        "1 changed file names 1 asset.",
        "Downstream of these: 2 assets (2 SERVICE).",
        "Changed assets:",
        "  etl, git#etl",
        "Services:",
        "  shop, pager, from etl, 1 step",
        "  web, web team, from etl, 2 steps",
        "Teams to inform:",
        "  ads, owns affected assets, is on call",
        "https://mlg.example/#/impact?root=w",
    ]


def test_teams_that_may_be_missing_are_mentioned() -> None:
    """The text says that the list of teams may lack some; what the change reaches is complete nevertheless."""
    found = impact(reached("shop"))
    missing = "Teams may be missing: the usage or the owners of some assets are too many to read."
    assert missing not in text_of(found, FailOn.PRODUCTION, "https://mlg.example/").splitlines()
    found.impact["teamsComplete"] = False
    assert missing in text_of(found, FailOn.PRODUCTION, "https://mlg.example/").splitlines()
    assert found.gap() == ""


def test_no_value_is_more_than_text_in_markdown() -> None:
    """Each value of the catalog, also one made for an attack, is one cell without links, images, code or marks."""
    found = impact(reached(EVIL, oncall=EVIL, team=EVIL), name=EVIL)
    text = markdown_of(found, FailOn.PRODUCTION, "https://mlg.example")
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(text)
    kinds = {child.type for token in tokens for child in token.children or ()}
    assert kinds == {"text", "softbreak", "strong_open", "strong_close", "link_open", "link_close"}
    links = [child.attrs["href"] for token in tokens for child in token.children or () if child.type == "link_open"]
    assert links == ["https://mlg.example/#/impact?root=w"]
    assert sum(token.type == "td_open" for token in tokens) == 2 + 4
    assert "@\u200bteam" in text
    assert "\x1b" not in text


def test_a_long_table_is_cut() -> None:
    """A table has a limited number of rows and says how many are left out, also those that were not sent."""
    found = impact(*(reached(f"s{number}") for number in range(MAX_ROWS + 2)), count=500)
    for text in (text_of(found, FailOn.PRODUCTION, "x"), markdown_of(found, FailOn.PRODUCTION, "x")):
        assert f"{500 - MAX_ROWS} more are not listed." in text
        assert f"s{MAX_ROWS - 1}" in text
        assert f"s{MAX_ROWS}" not in text


@pytest.mark.parametrize(
    ("state", "fail_on", "line"),
    [
        ("COMPLETE", FailOn.ANYTHING, "This change affects no other asset"),
        ("PARTIAL", FailOn.ANYTHING, "It is not known whether this change affects other assets"),
        ("PARTIAL", FailOn.NOTHING, "This change affects no other asset"),
    ],
)
def test_an_incomplete_result_is_not_called_safe(state: str, fail_on: FailOn, line: str) -> None:
    """The headline is no promise that the result does not support, and the summary gives the reason."""
    found = impact(state=state, reason=None if state == "COMPLETE" else "POLICY")
    assert headline(found, fail_on) == line
    assert ("The result is incomplete: PARTIAL, POLICY." in markdown_of(found, fail_on, "x")) is (state == "PARTIAL")


def test_files_without_assets() -> None:
    """Nothing to link is nothing printed: the headline and the count only."""
    text = markdown_of(ChangeImpact(3), FailOn.ANYTHING, "x")
    assert text.splitlines() == [MARK, "### This change affects no other asset", "", "3 changed files name 0 assets."]
