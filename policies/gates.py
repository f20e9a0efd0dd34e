"""Gates: what a model version needs before a protected alias may stand for it, as data beside the rules.

``gates.toml`` holds them and docs/gates.md says what its fields mean. All gates that fit a move apply together. A file
that is not understood stops the start: a gate that is misspelt would stand open.
"""

import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from policies.errors import ConfigurationError
from policies.sensitivity import LEVELS, RANK

SHIPPED: Final = Path(__file__).with_name("gates.toml")
"""The file that comes with the product."""

NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
"""What an alias, or a gate that somebody approves, is called."""

RISK_TIERS: Final = ("LOW", "MEDIUM", "HIGH")
SEVERITIES: Final = ("LOW", "MEDIUM", "HIGH", "CRITICAL")

_DOMAIN: Final = re.compile(r"mlg://domain/\S+")
_CONDITIONS: Final = frozenset({"aliases", "riskTiers", "domains"})
_TEAM: Final = re.compile(r"mlg://team/\S+")
_NEEDS: Final = frozenset({"approvals", "evaluations", "evaluators", "incidents", "sensitivity"})
_FIELDS: Final = frozenset({"id", "doc"}) | _CONDITIONS | _NEEDS


@dataclass(frozen=True, slots=True)
class Needs:
    """What one move of an alias needs: approvals, no failing evaluations, no incidents, no stricter data than that.

    ``evaluators`` are teams whose evaluations count beside those of the version's own.
    """

    approvals: tuple[str, ...] = ()
    evaluations: bool = False
    incidents: frozenset[str] = frozenset()
    sensitivity: str = LEVELS[-1]
    evaluators: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate: what it needs, and the moves that it is about; empty conditions fit everything."""

    id: str
    needs: Needs
    aliases: frozenset[str] = frozenset()
    risk_tiers: frozenset[str] = frozenset()
    domains: frozenset[str] = frozenset()

    def fits(self, alias: str, risk_tier: str, domain: str) -> bool:
        """Whether it applies; a model without a risk tier has "", and so has one without a domain."""
        pairs = ((self.aliases, alias), (self.risk_tiers, risk_tier), (self.domains, domain))
        return all(not wanted or given in wanted for wanted, given in pairs)


@dataclass(frozen=True, slots=True)
class Gates:
    """The gates of an installation."""

    gates: tuple[Gate, ...] = ()

    def needs(self, alias: str, risk_tier: str, domain: str) -> Needs:
        """What a move needs, of all gates that fit."""
        fitting = [gate.needs for gate in self.gates if gate.fits(alias, risk_tier, domain)]
        return Needs(
            tuple(sorted({name for needs in fitting for name in needs.approvals})),
            any(needs.evaluations for needs in fitting),
            frozenset().union(*(needs.incidents for needs in fitting)),
            min((needs.sensitivity for needs in fitting), key=RANK.__getitem__, default=LEVELS[-1]),
            frozenset().union(*(needs.evaluators for needs in fitting)),
        )


NO_GATES: Final = Gates()


def load_gates(path: Path = SHIPPED) -> Gates:
    """Read the gates; raises ConfigurationError naming the gate and what is wrong with it."""
    try:
        document = tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(
            f"{path} cannot be read as TOML: {error}. Correct it, or take the one that is shipped."
        ) from error
    tables = document.pop("gate", [])
    if document:
        raise ConfigurationError(f"{path} has {sorted(document)} beside its gates; write each gate under [[gate]].")
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise ConfigurationError(f"{path} has a `gate` that is no table of its list; write each under [[gate]].")
    gates = [_gate(table, path) for table in tables]
    ids = [gate.id for gate in gates]
    if twice := sorted({name for name in ids if ids.count(name) > 1}):
        raise ConfigurationError(f"{path} has two gates with the `id` {twice[0]}; give each its own.")
    return Gates(tuple(gates))


def _gate(table: Mapping[str, Any], path: Path) -> Gate:
    name, doc = table.get("id"), table.get("doc")
    if not isinstance(name, str) or not name or not isinstance(doc, str) or not doc:
        raise ConfigurationError(f"{path} has a gate without an `id` or a `doc` sentence; give it both.")
    if unknown := sorted(table.keys() - _FIELDS):
        raise ConfigurationError(f"{path}: gate {name} has {unknown}, which mean nothing; use {sorted(_FIELDS)}.")
    needs = Needs(
        tuple(_texts(table, "approvals", path, NAME)),
        _flag(table, path),
        frozenset(_texts(table, "incidents", path, SEVERITIES)),
        _level(table, path),
        frozenset(_texts(table, "evaluators", path, _TEAM)),
    )
    if needs.evaluators and not needs.evaluations:
        raise ConfigurationError(f"{path}: gate {name} has `evaluators` and no `evaluations = true`; give it both.")
    if needs == Needs():
        raise ConfigurationError(f"{path}: gate {name} needs nothing; give it some of {sorted(_NEEDS)}, or drop it.")
    return Gate(
        name,
        needs,
        frozenset(_texts(table, "aliases", path, NAME)),
        frozenset(_texts(table, "riskTiers", path, RISK_TIERS)),
        frozenset(_texts(table, "domains", path, _DOMAIN)),
    )


def _texts(table: Mapping[str, Any], field: str, path: Path, known: Collection[str] | re.Pattern[str]) -> list[str]:
    """A list of texts, each of ``known`` or of that form; an empty one could be taken for "none", and means "any"."""
    if field not in table:
        return []
    given = table[field]
    if not isinstance(given, list) or not given or not all(isinstance(each, str) for each in given):
        raise ConfigurationError(
            f"{path}: `{field}` of gate {table['id']} is no list of texts with something in it; write one, or leave "
            "the field out."
        )
    if isinstance(known, re.Pattern):
        wrong, right = [each for each in given if not known.fullmatch(each)], f"texts like {known.pattern}"
    else:
        wrong, right = [each for each in given if each not in known], f"some of {list(known)}"
    if wrong:
        raise ConfigurationError(f"{path}: `{field}` of gate {table['id']} has {wrong}; use {right}.")
    return given


def _flag(table: Mapping[str, Any], path: Path) -> bool:
    given = table.get("evaluations", False)
    if not isinstance(given, bool):
        raise ConfigurationError(
            f"{path}: `evaluations` of gate {table['id']} is {given!r}; write true, or leave it out."
        )
    return given


def _level(table: Mapping[str, Any], path: Path) -> str:
    given = table.get("sensitivity", LEVELS[-1])
    if given not in LEVELS:
        raise ConfigurationError(
            f"{path}: `sensitivity` of gate {table['id']} is {given!r}; use one of {list(LEVELS)}."
        )
    return str(given)
