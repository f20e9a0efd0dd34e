"""Gates: what a model version needs before a protected alias may stand for it, as data beside the rules.

``gates.toml`` says what the fields mean. All gates that fit a move apply together.
"""

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from policies.errors import ConfigurationError
from policies.sensitivity import LEVELS, RANK

SHIPPED: Final = Path(__file__).with_name("gates.toml")
"""The file that comes with the product."""

RISK_TIERS: Final = ("LOW", "MEDIUM", "HIGH")
SEVERITIES: Final = ("LOW", "MEDIUM", "HIGH", "CRITICAL")


@dataclass(frozen=True, slots=True)
class Needs:
    """What one move of an alias needs: approvals, no failing evaluations, no incidents, no stricter data than that."""

    approvals: tuple[str, ...] = ()
    evaluations: bool = False
    incidents: frozenset[str] = frozenset()
    sensitivity: str = LEVELS[-1]


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
        )


NO_GATES: Final = Gates()


def load_gates(path: Path = SHIPPED) -> Gates:
    """Read the gates; raises ConfigurationError naming the gate and what is wrong with it."""
    try:
        tables = tomllib.loads(path.read_text()).get("gate", [])
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(
            f"{path} cannot be read: {error}. Correct it, or take the one that is shipped."
        ) from error
    gates = [_gate(table, path) for table in tables]
    ids = [gate.id for gate in gates]
    if len(set(ids)) < len(ids):
        raise ConfigurationError(f"{path} has two gates with one `id`; give each its own.")
    return Gates(tuple(gates))


def _gate(table: Mapping[str, Any], path: Path) -> Gate:
    name = table.get("id")
    known = {"id", "doc", "aliases", "riskTiers", "domains", "approvals", "evaluations", "incidents", "sensitivity"}
    if not isinstance(name, str) or not name or not isinstance(table.get("doc"), str):
        raise ConfigurationError(f"{path} has a gate without an `id` or a `doc` sentence; give it both.")
    if unknown := sorted(table.keys() - known):
        raise ConfigurationError(f"{path}: gate {name} has {unknown}, which mean nothing; use {sorted(known)}.")
    needs = Needs(
        tuple(_names(table, "approvals", path, None)),
        _flag(table, path),
        frozenset(_names(table, "incidents", path, SEVERITIES)),
        _level(table, path),
    )
    return Gate(
        name,
        needs,
        frozenset(_names(table, "aliases", path, None)),
        frozenset(_names(table, "riskTiers", path, RISK_TIERS)),
        frozenset(_names(table, "domains", path, None)),
    )


def _names(table: Mapping[str, Any], field: str, path: Path, known: Collection[str] | None) -> list[str]:
    given = table.get(field, [])
    if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
        raise ConfigurationError(f"{path}: `{field}` of gate {table['id']} is no list of texts; write it as one.")
    if known is not None and (wrong := [each for each in given if each not in known]):
        raise ConfigurationError(f"{path}: `{field}` of gate {table['id']} has {wrong}; use some of {list(known)}.")
    return given


def _flag(table: Mapping[str, Any], path: Path) -> bool:
    given = table.get("evaluations", False)
    if not isinstance(given, bool):
        raise ConfigurationError(f"{path}: `evaluations` of gate {table['id']} is neither true nor false.")
    return given


def _level(table: Mapping[str, Any], path: Path) -> str:
    given = table.get("sensitivity", LEVELS[-1])
    if given not in RANK:
        raise ConfigurationError(
            f"{path}: `sensitivity` of gate {table['id']} is {given!r}; use one of {list(LEVELS)}."
        )
    return str(given)
