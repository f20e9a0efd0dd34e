"""Reads the decision table written by people: labels that a caller sees and writes that a caller may do, by class."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

from graphql_schema.catalog.enums import LifecycleStage, Sensitivity, Visibility
from graphql_schema.catalog.kinds import KINDS
from policies.attributes import PolicyAttributes
from policies.governed import Governed, kind_code
from policies.principal import Principal, PrincipalKind
from policies.vocabulary import Label

FOLDER = Path(__file__).parents[2] / "unit" / "policies"
OWNERS = ("own", "other", "nobody")
AXES: tuple[tuple[str, ...], ...] = (
    OWNERS,
    tuple(each.name for each in Visibility),
    (*(each.name for each in Sensitivity), "RAISED"),
    tuple(each.name for each in LifecycleStage),
    tuple(kind.code for kind in KINDS.values()),
)
"""The values of owner, visibility, sensitivity, stage and kind, as the lines of the table name them.

RAISED is RESTRICTED by a raise of others, of which only INTERNAL is confirmed.
"""

READ, WRITE, ADMIN = "graph:read", "graph:write", "graph:admin"
OTHER = "mlg://team/catalog/default/other"

Class = tuple[str, ...]
"""One value of each axis."""


def team(name: str) -> str:
    """Return the URN of a team."""
    return f"mlg://team/catalog/default/{name}"


def _caller(
    subject: str, teams: str, roles: str, scopes: str = f"{READ} {WRITE}", glass: str | None = None
) -> Principal:
    program = subject in {"ci-ranking", "robot"}
    return Principal(
        subject,
        PrincipalKind.SERVICE_ACCOUNT if program else PrincipalKind.PERSON,
        tenant="default",
        teams=frozenset(map(team, teams.split())),
        roles=frozenset(roles.split()),
        scopes=frozenset(scopes.split()),
        break_glass=glass,
    )


CALLERS: Mapping[str, Principal] = {
    "ada": _caller("ada", "ranking", "engineer"),
    "bo": _caller("bo", "ads", "reader", READ),
    "cy": _caller("cy", "governance", "auditor"),
    "ci-ranking": _caller("ci-ranking", "ranking", "automation"),
    "eli": _caller("eli", "ranking", "approver reader"),
    "root": _caller("root", "platform", "admin", f"{READ} {WRITE} {ADMIN}"),
    "root+break-glass": _caller("root", "platform", "admin", f"{READ} {WRITE} {ADMIN}", "an outage"),
    "anonymous": _caller("anonymous", "", "", ""),
    "no-team-engineer": _caller("no-team-engineer", "", "engineer"),
    "hana": replace(_caller("hana", "", "engineer"), user="mlg://user/catalog/default/hana"),
    "robot": _caller("robot", "", "automation", WRITE),
    "biller": _caller("biller", "", "billing"),
    "ads-writer": _caller("ads-writer", "ads", "reader"),
    "guest": _caller("guest", "", ""),
    "guest+break-glass": _caller("guest", "", "", glass="an outage"),
    "auditor-reader": _caller("auditor-reader", "governance", "auditor", READ),
    "engineer-auditor": _caller("engineer-auditor", "", "engineer auditor"),
    "blind-admin": _caller("blind-admin", "platform", "admin", WRITE),
}
"""The callers of the table by their names there."""


@dataclass(frozen=True)
class Line:
    """The labels that a caller sees, or the writes a caller may do, on the asset classes of one line."""

    verb: str
    words: frozenset[str]
    values: tuple[frozenset[str], ...]

    def holds(self, where: Class) -> bool:
        """Return whether an asset class belongs to the line."""
        return all(value in allowed for value, allowed in zip(where, self.values, strict=True))


def read_table() -> dict[str, list[Line]]:
    """Return the lines of every caller."""
    table: dict[str, list[Line]] = {}
    caller = ""
    for text in _lines("decision_table.txt"):
        if "|" in text:
            table[caller].append(line(text))
        else:
            caller = text.partition(":")[0]
            table[caller] = []
    return table


def line(text: str) -> Line:
    """Read one line of the table."""
    what, *cells = (cell.strip() for cell in text.split("|"))
    verb, *words = what.split()
    return Line(verb, frozenset(words), tuple(_values(cell, axis) for cell, axis in zip(cells, AXES, strict=True)))


def _values(cell: str, axis: tuple[str, ...]) -> frozenset[str]:
    if cell == "*":
        return frozenset(axis)
    named = frozenset(cell.removeprefix("not ").split(","))
    assert named <= {*axis}, cell
    return frozenset(axis) - named if cell.startswith("not ") else named


def labels_by_hand(governed: Governed) -> dict[str, dict[str, str]]:
    """Return the label of every field of the schema, as written by people."""
    labels = {name: dict.fromkeys(fields, str(Label.INTERNAL)) for name, fields in governed.fields.items()}
    label = ""
    for text in _lines("labels_by_hand.txt"):
        where, *fields = text.split()
        if not fields:
            label = where
            continue
        for name in governed.assets if where == "*" else [where]:
            assert {*fields} <= labels[name].keys(), text
            labels[name] |= dict.fromkeys(fields, label)
    return labels


def _lines(name: str) -> Iterator[str]:
    for line in (FOLDER / name).read_text().splitlines():
        if line and not line.startswith("#"):
            yield line


def classes(caller: Principal, kinds: tuple[str, ...] = AXES[-1]) -> Iterator[tuple[Class, PolicyAttributes]]:
    """Return every asset class of a caller: ``own`` is left out for a caller who owns nothing."""
    owners = {"own": min(caller.owners, default=None), "other": OTHER, "nobody": ""}
    for where in product(*AXES[:-1], kinds):
        owner, visibility, sensitivity, stage, kind = where
        urn = owners[owner]
        if urn is not None:
            level, declared = ("RESTRICTED", "INTERNAL") if sensitivity == "RAISED" else (sensitivity, sensitivity)
            yield where, PolicyAttributes(kind, urn, visibility, level, stage, declared)


def words(lines: list[Line], verb: str, where: Class) -> frozenset[str]:
    """Return the entry of the table for a class; exactly one line must apply."""
    found = [line.words for line in lines if line.verb == verb and line.holds(where)]
    assert len(found) <= 1, where
    return found[0] if found else frozenset()


ASSET_KINDS = tuple(kind.code for kind in KINDS.values() if kind.asset)
"""The kinds whose rows and fields the policy governs."""

TYPE_OF = {kind_code(name): name for name in KINDS}
"""From the code of a kind to its type."""
