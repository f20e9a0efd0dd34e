"""The impact of changed files as text for a terminal, and as a comment in Markdown for a review."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from app.cli.impact.change_impact import ChangeImpact, FailOn
from app.ingest.load.terminal_text import terminal_text
from graphql_schema.ports.record import JsonObject

MARK: Final = "<!-- mlg impact -->"
"""The first line of each comment, by which a later run finds the comment that it replaces."""

MAX_ROWS: Final = 30
"""Maximal number of rows of a table: a comment may have 65,536 characters."""

_MARKDOWN: Final = re.compile(r"([\\`*_{}\[\]()#+!|<>~&$-])")

_WHY: Final = {"OWNS": "owns affected assets", "USES": "uses them", "ONCALL": "is on call"}


@dataclass(frozen=True, slots=True)
class ReportTable:
    """The rows of one part of the result; ``total`` is the number of rows that there are."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    total: int

    @property
    def shown(self) -> Sequence[tuple[str, ...]]:
        """The rows that are printed."""
        return self.rows[:MAX_ROWS]

    @property
    def left_out(self) -> str:
        """How many rows are not printed, as a sentence; empty if all are."""
        count = self.total - len(self.shown)
        return f"{count} more are not listed." if count else ""


def markdown_of(found: ChangeImpact, fail_on: FailOn, explorer: str) -> str:
    """Return a comment in Markdown; ``explorer`` is the address of the explorer.

    Values of the catalog are escaped, so that a name is neither a link nor a mention of a person.
    """
    lines = [MARK, f"### {headline(found, fail_on)}", "", *(_markdown(line) for line in summary(found))]
    for table in tables(found, _markdown):
        lines += ["", f"**{table.title}**", "", _row(table.columns), _row(["---"] * len(table.columns))]
        lines += [*map(_row, table.shown), *(["", table.left_out] if table.left_out else [])]
    if found.assets:
        lines += ["", f"[Blast radius in the explorer](<{link(found, explorer)}>)"]
    return "\n".join(lines)


def text_of(found: ChangeImpact, fail_on: FailOn, explorer: str) -> str:
    """Return the same content as text for a terminal."""
    lines = [headline(found, fail_on), *map(_plain, summary(found))]
    for table in tables(found, _plain):
        lines += [f"{table.title}:", *("  " + ", ".join(filter(None, row)) for row in table.shown)]
        lines += [f"  {table.left_out}"] if table.left_out else []
    return "\n".join([*lines, link(found, explorer)] if found.assets else lines)


def headline(found: ChangeImpact, fail_on: FailOn) -> str:
    """Return the result in one line."""
    if found.count("SERVICE"):
        return "This change reaches production"
    if found.impact["total"]:
        return "This change affects other assets"
    if found.gap() and fail_on is not FailOn.NOTHING:
        return "It is not known whether this change affects other assets"
    return "This change affects no other asset"


def summary(found: ChangeImpact) -> Iterator[str]:
    """Yield the sentences below the headline: the counts, and what may be missing."""
    yield f"{_count(found.files, 'changed file')} {_verb(found.files)} {_count(len(found.assets), 'asset')}."
    if found.assets:
        kinds = ", ".join(f"{each['count']} {each['kind']}" for each in found.impact["countsByKind"])
        affected = _count(found.impact["total"], "asset")
        yield f"Downstream of these: {affected}{f' ({kinds})' if kinds else ''}."
    if found.plan is not None:
        status = found.plan["status"] or {"state": "unknown", "waiting": "Some"}
        yield f"Change plan {found.plan['id']}: {status['state']}. {status['waiting']} teams have not acknowledged it."
    if found.gap():
        yield f"The result is incomplete: {found.gap()}. There may be more."
    if not found.impact["teamsComplete"]:
        yield "Teams may be missing: the usage or the owners of some assets are too many to read."


def tables(found: ChangeImpact, escaped: Callable[[str], str]) -> Iterator[ReportTable]:
    """Yield the parts of the result that have rows; ``escaped`` makes a value of the catalog safe to print."""
    names = found.starts

    def reached(node: JsonObject, *more: str) -> tuple[str, ...]:
        asset, team = node["asset"], (node["asset"]["ownerTeam"] or {}).get("displayName")
        start = next((names[urn] for urn in node["via"] if urn in names), "")
        origin = f"from {start}, {_count(node['depth'], 'step')}"
        return tuple(escaped(each) for each in (asset["displayName"], *more, team or "", origin))

    impact = found.impact
    services = [reached(each, each["asset"]["oncall"] or "") for each in impact["services"]["nodes"]]
    experiments = [reached(each) for each in impact["experiments"]["nodes"]]
    teams = [
        (escaped(each["team"]["displayName"]), escaped(", ".join(_WHY[reason] for reason in each["reasons"])))
        for each in impact["teams"]
    ]
    named = [(escaped(each.name), escaped(each.reference)) for each in found.assets]
    found_tables = (
        ReportTable("Changed assets", ("asset", "named by"), named, len(named)),
        ReportTable("Services", ("service", "on call", "team", "reached"), services, found.count("SERVICE")),
        ReportTable("Experiments", ("experiment", "team", "reached"), experiments, found.count("EXPERIMENT")),
        ReportTable("Teams to inform", ("team", "reasons"), teams, len(teams)),
    )
    yield from (table for table in found_tables if table.total)


def link(found: ChangeImpact, explorer: str) -> str:
    """Return the address of the blast radius of the changed assets in the explorer."""
    return f"{explorer.rstrip('/')}/#/impact?{urlencode([('root', urn) for urn in found.roots])}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _verb(number: int) -> str:
    return "names" if number == 1 else "name"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _plain(text: str) -> str:
    return terminal_text(text).plain


def _markdown(text: str) -> str:
    """Return a text as Markdown that shows it; a space without width ends what would be a mention or an address."""
    return re.sub(r"(@|://|www\.)", "\\1\u200b", _MARKDOWN.sub(r"\\\1", _plain(text)))
