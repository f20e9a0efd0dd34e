"""Gates: conditions that a model version must meet before a protected alias may point at it.

``gates.toml`` defines them; docs/gates.md describes its fields. A move of a protected alias must pass all gates that
apply to it. Only evidence that the caller may see counts. An unknown field or value is an error at start-up: a misspelt
condition would otherwise leave the gate open.
"""

import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from policies.errors import ConfigurationError
from policies.sensitivity import RANK, SENSITIVITIES

SHIPPED: Final = Path(__file__).with_name("gates.toml")
"""The gates that the program ships with."""

NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
"""The form of the names of aliases and of approvals."""

RISK_TIERS: Final = ("LOW", "MEDIUM", "HIGH")
SEVERITIES: Final = ("LOW", "MEDIUM", "HIGH", "CRITICAL")

_DOMAIN: Final = re.compile(r"mlg://domain/\S+")
_CONDITIONS: Final = frozenset({"aliases", "riskTiers", "domains"})
_TEAM: Final = re.compile(r"mlg://team/\S+")
_NEEDS: Final = frozenset({"approvals", "evaluations", "evaluators", "incidents", "sensitivity"})
_FIELDS: Final = frozenset({"id", "doc"}) | _CONDITIONS | _NEEDS


@dataclass(frozen=True, slots=True)
class Needs:
    """The requirements of one move of an alias.

    ``approvals`` are the names under which the version must be approved. With ``evaluations``, no evaluation may have
    the verdict FAIL. Those owned by the version's team, by a team in ``evaluators`` or by no team count, unless they
    are retired or deleted. ``incidents`` are severities of which no incident may be open on the version or its model.
    ``sensitivity`` is the highest allowed effective sensitivity of the version.
    """

    approvals: tuple[str, ...] = ()
    evaluations: bool = False
    incidents: frozenset[str] = frozenset()
    sensitivity: str = SENSITIVITIES[-1]
    evaluators: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate: its requirements, and the moves to which it applies. An empty condition matches every move."""

    id: str
    needs: Needs
    aliases: frozenset[str] = frozenset()
    risk_tiers: frozenset[str] = frozenset()
    domains: frozenset[str] = frozenset()

    def applies(self, alias: str, risk_tier: str, domain: str) -> bool:
        """Return whether the gate applies to a move of ``alias``.

        ``risk_tier`` and ``domain`` (an id) are those of the model, "" if the model has none.
        """
        pairs = ((self.aliases, alias), (self.risk_tiers, risk_tier), (self.domains, domain))
        return all(not condition or value in condition for condition, value in pairs)


@dataclass(frozen=True, slots=True)
class Gates:
    """All gates of an installation."""

    gates: tuple[Gate, ...] = ()

    def needs(self, alias: str, risk_tier: str, domain: str) -> Needs:
        """Return the combined requirements of all gates that apply to a move.

        The arguments are those of `Gate.applies`. Approvals, incidents and evaluators are united; ``evaluations`` is
        true if any gate requires them; the lowest sensitivity applies.
        """
        applying = [gate.needs for gate in self.gates if gate.applies(alias, risk_tier, domain)]
        return Needs(
            tuple(sorted({name for needs in applying for name in needs.approvals})),
            any(needs.evaluations for needs in applying),
            frozenset().union(*(needs.incidents for needs in applying)),
            min((needs.sensitivity for needs in applying), key=RANK.__getitem__, default=SENSITIVITIES[-1]),
            frozenset().union(*(needs.evaluators for needs in applying)),
        )


NO_GATES: Final = Gates()


def load_gates(path: Path = SHIPPED) -> Gates:
    """Return the gates in a file; raises `ConfigurationError` with the gate and the field that is invalid."""
    try:
        document = tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(
            f"{path} cannot be read: {error}. Check that the file exists and is valid TOML."
        ) from error
    tables = document.pop("gate", [])
    if document:
        raise ConfigurationError(f"{path} has {sorted(document)} outside of a gate. Write each gate under [[gate]].")
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise ConfigurationError(f"{path} has a `gate` that is not under [[gate]]. Write each gate under [[gate]].")
    gates = [_read_gate(table, path) for table in tables]
    ids = [gate.id for gate in gates]
    if repeated := sorted({name for name in ids if ids.count(name) > 1}):
        raise ConfigurationError(f"{path} has several gates with the `id` {repeated[0]}. Give each its own `id`.")
    return Gates(tuple(gates))


def _read_gate(table: Mapping[str, object], path: Path) -> Gate:
    name, doc = table.get("id"), table.get("doc")
    if not isinstance(name, str) or not name or not isinstance(doc, str) or not doc:
        raise ConfigurationError(f"{path} has a gate without an `id` or without a `doc` sentence. Give it both.")
    if unknown := sorted(table.keys() - _FIELDS):
        raise ConfigurationError(f"{path}: gate {name} has the unknown fields {unknown}. Use {sorted(_FIELDS)}.")
    needs = Needs(
        tuple(_read_strings(table, "approvals", path, NAME)),
        _read_evaluations(table, path),
        frozenset(_read_strings(table, "incidents", path, SEVERITIES)),
        _read_sensitivity(table, path),
        frozenset(_read_strings(table, "evaluators", path, _TEAM)),
    )
    if needs.evaluators and not needs.evaluations:
        raise ConfigurationError(f"{path}: gate {name} has `evaluators` without `evaluations = true`. Give it both.")
    if needs == Needs():
        raise ConfigurationError(
            f"{path}: gate {name} has no requirements. Give it one or more of {sorted(_NEEDS)}, or remove the gate."
        )
    return Gate(
        name,
        needs,
        frozenset(_read_strings(table, "aliases", path, NAME)),
        frozenset(_read_strings(table, "riskTiers", path, RISK_TIERS)),
        frozenset(_read_strings(table, "domains", path, _DOMAIN)),
    )


def _read_strings(
    table: Mapping[str, object], field: str, path: Path, known: Collection[str] | re.Pattern[str]
) -> list[str]:
    """Return the strings in a field, each of which must be in ``known`` or match it; an absent field gives no strings.

    An empty list is an error, because a reader could take it for "none" while it would mean "any".
    """
    if field not in table:
        return []
    values = table[field]
    if not isinstance(values, list) or not values or not all(isinstance(each, str) for each in values):
        raise ConfigurationError(
            f"{path}: `{field}` of gate {table['id']} is not a list of one or more strings. Write such a list, or "
            "remove the field."
        )
    if isinstance(known, re.Pattern):
        invalid, allowed = [each for each in values if not known.fullmatch(each)], f"strings like {known.pattern}"
    else:
        invalid, allowed = [each for each in values if each not in known], f"some of {list(known)}"
    if invalid:
        raise ConfigurationError(f"{path}: `{field}` of gate {table['id']} has {invalid}. Use {allowed}.")
    return values


def _read_evaluations(table: Mapping[str, object], path: Path) -> bool:
    value = table.get("evaluations", False)
    if not isinstance(value, bool):
        raise ConfigurationError(
            f"{path}: `evaluations` of gate {table['id']} is {value!r}. Write true, or remove the field."
        )
    return value


def _read_sensitivity(table: Mapping[str, object], path: Path) -> str:
    value = table.get("sensitivity", SENSITIVITIES[-1])
    if value not in SENSITIVITIES:
        raise ConfigurationError(
            f"{path}: `sensitivity` of gate {table['id']} is {value!r}. Use one of {list(SENSITIVITIES)}."
        )
    return str(value)
