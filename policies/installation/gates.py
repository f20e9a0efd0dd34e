"""Gates: conditions that a model version must meet before a protected alias may point at it.

``gates.toml`` defines them; docs/gates.md describes its fields. A move of a protected alias must pass all gates that
apply to it. Of evaluations, all that are trusted count; of other evidence, only what the caller may see. An unknown
field or value is an error at start-up: a misspelt condition would otherwise leave the gate open.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from policies.errors import ConfigurationError
from policies.policy_file import read_toml
from policies.sensitivity import RANK, SENSITIVITIES

SHIPPED: Final = Path(__file__).parent.parent / "gates.toml"
"""The file of the gates that the program ships with."""

NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
"""The form of the names of aliases and of approvals."""

RISK_TIERS: Final = ("LOW", "MEDIUM", "HIGH")
SEVERITIES: Final = ("LOW", "MEDIUM", "HIGH", "CRITICAL")

_CONDITIONS: Final = frozenset({"aliases", "riskTiers", "domains"})
_NEEDS: Final = frozenset(
    {"approvals", "distinct", "evaluations", "evaluators", "incidents", "sensitivity", "uncontaminated"}
)
_TWO: Final = 2
_FIELDS: Final = frozenset({"id", "doc"}) | _CONDITIONS | _NEEDS

IsUrn = Callable[[str, str], bool]
"""Returns whether a text is a valid id of a kind, such as ``Team``: no asset has any other id."""


@dataclass(frozen=True, slots=True)
class Needs:
    """The requirements of one move of an alias.

    ``approvals`` are the names under which the version must be approved, and each set in ``distinct`` has names whose
    approvals must be of different people. An evaluation of the version counts if its owner team is that of the version
    or in ``evaluators``, unless it is retired or deleted. With ``evaluations``, no evaluation that counts may have the
    verdict FAIL. With ``uncontaminated``, each must be known to be uncontaminated. ``incidents`` are severities of
    which no incident may be open on the version or its model. ``sensitivity`` is the highest allowed effective
    sensitivity of the version.
    """

    approvals: tuple[str, ...] = ()
    evaluations: bool = False
    incidents: frozenset[str] = frozenset()
    sensitivity: str = SENSITIVITIES[-1]
    evaluators: frozenset[str] = frozenset()
    distinct: frozenset[frozenset[str]] = frozenset()
    uncontaminated: bool = False

    def covers(self, other: "Needs") -> bool:
        """Return whether each of the other requirements is among these, or is weaker than one of these.

        A move that meets these then meets the others, too. Evaluators in addition are stricter.
        """
        return (
            set(other.approvals) <= set(self.approvals)
            and all(any(names <= mine for mine in self.distinct) for names in other.distinct)
            and self.evaluations >= other.evaluations
            and self.uncontaminated >= other.uncontaminated
            and other.evaluators <= self.evaluators
            and other.incidents <= self.incidents
            and RANK[self.sensitivity] <= RANK[other.sensitivity]
        )


@dataclass(frozen=True, slots=True)
class Selectors:
    """The values of a model that select its gates: risk tier, and id of the domain; "" where the model has none."""

    risk_tier: str
    domain: str


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate: its requirements, and the moves to which it applies. An empty condition matches every move."""

    id: str
    needs: Needs
    aliases: frozenset[str] = frozenset()
    risk_tiers: frozenset[str] = frozenset()
    domains: frozenset[str] = frozenset()

    def applies(self, alias: str, model: Selectors) -> bool:
        """Return whether the gate applies to a move of ``alias`` of a model."""
        pairs = ((self.aliases, alias), (self.risk_tiers, model.risk_tier), (self.domains, model.domain))
        return all(not condition or value in condition for condition, value in pairs)


@dataclass(frozen=True, slots=True)
class Gates:
    """All gates of an installation."""

    gates: tuple[Gate, ...] = ()

    def needs(self, alias: str, model: Selectors) -> Needs:
        """Return the combined requirements of all gates that apply to a move of ``alias`` of a model.

        Approvals, incidents, evaluators and ``distinct`` are united. ``evaluations`` and ``uncontaminated`` are true
        if one of these gates requires them. The lowest sensitivity applies.
        """
        applying = [gate.needs for gate in self.gates if gate.applies(alias, model)]
        return Needs(
            tuple(sorted({name for needs in applying for name in needs.approvals})),
            any(needs.evaluations for needs in applying),
            frozenset().union(*(needs.incidents for needs in applying)),
            min((needs.sensitivity for needs in applying), key=RANK.__getitem__, default=SENSITIVITIES[-1]),
            frozenset().union(*(needs.evaluators for needs in applying)),
            frozenset().union(*(needs.distinct for needs in applying)),
            any(needs.uncontaminated for needs in applying),
        )

    def weaken(self, before: Selectors, after: Selectors) -> bool:
        """Return whether some alias of a model has a requirement with selectors ``before`` and lacks it with ``after``.

        Further requirements do not make up for it.
        """
        names = {"", *(name for gate in self.gates for name in gate.aliases)}  # "" is every alias that no gate names
        return not all(self.needs(name, after).covers(self.needs(name, before)) for name in names)

    @property
    def approvals(self) -> frozenset[str]:
        """The names of approvals that any gate needs."""
        return frozenset().union(*(gate.needs.approvals for gate in self.gates))

    @property
    def evaluators(self) -> frozenset[str]:
        """The teams that any gate names as evaluators."""
        return frozenset().union(*(gate.needs.evaluators for gate in self.gates))


NO_GATES: Final = Gates()


def load_gates(is_urn: IsUrn, path: Path = SHIPPED) -> Gates:
    """Return the gates in a file; raises `ConfigurationError` if the file is unreadable or a gate is invalid."""
    document = read_toml(path)
    tables = document.pop("gate", [])
    if document:
        raise ConfigurationError(f"{path} has {sorted(document)} outside of a gate. Write each gate under [[gate]].")
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise ConfigurationError(f"{path} has a `gate` that is not under [[gate]]. Write each gate under [[gate]].")
    gates = [_read_gate(table, is_urn, path) for table in tables]
    ids = [gate.id for gate in gates]
    if repeated := sorted({name for name in ids if ids.count(name) > 1}):
        raise ConfigurationError(f"{path} has several gates with the `id` {repeated[0]}. Give each its own `id`.")
    return Gates(tuple(gates))


def _read_gate(table: Mapping[str, object], is_urn: IsUrn, path: Path) -> Gate:
    name, doc = table.get("id"), table.get("doc")
    if not isinstance(name, str) or not name or not isinstance(doc, str) or not doc:
        raise ConfigurationError(f"{path} has a gate without an `id` or without a `doc` sentence. Give it both.")
    if unknown := sorted(table.keys() - _FIELDS):
        raise ConfigurationError(f"{path}: gate {name} has the unknown fields {unknown}. Use {sorted(_FIELDS)}.")
    needs = Needs(
        tuple(_read_strings(table, "approvals", path, NAME)),
        _read_flag(table, "evaluations", path),
        frozenset(_read_strings(table, "incidents", path, SEVERITIES)),
        _read_sensitivity(table, path),
        _read_ids(table, "evaluators", path, "Team", is_urn),
        _read_distinct(table, path),
        _read_flag(table, "uncontaminated", path),
    )
    if needs.evaluators and not (needs.evaluations or needs.uncontaminated):
        raise ConfigurationError(
            f"{path}: gate {name} has `evaluators` without `evaluations = true` or `uncontaminated = true`. Give it "
            "one of them."
        )
    if needs == Needs():
        raise ConfigurationError(
            f"{path}: gate {name} has no requirements. Give it one or more of {sorted(_NEEDS)}, or remove the gate."
        )
    return Gate(
        name,
        needs,
        frozenset(_read_strings(table, "aliases", path, NAME)),
        frozenset(_read_strings(table, "riskTiers", path, RISK_TIERS)),
        _read_ids(table, "domains", path, "Domain", is_urn),
    )


def _read_strings(
    table: Mapping[str, object], field: str, path: Path, known: Collection[str] | re.Pattern[str]
) -> list[str]:
    """Return the strings in a field, each of which must be in ``known`` or match it, as :func:`_read_list`."""
    values = _read_list(table, field, path)
    if isinstance(known, re.Pattern):
        invalid, allowed = [each for each in values if not known.fullmatch(each)], f"strings like {known.pattern}"
    else:
        invalid, allowed = [each for each in values if each not in known], f"some of {list(known)}"
    if invalid:
        raise ConfigurationError(f"{path}: `{field}` of gate {table['id']} has {invalid}. Use {allowed}.")
    return values


def _read_ids(table: Mapping[str, object], field: str, path: Path, kind: str, is_urn: IsUrn) -> frozenset[str]:
    """Return the ids in a field, each of which must be a valid one of a kind, as :func:`_read_list`."""
    values = _read_list(table, field, path)
    if invalid := [each for each in values if not is_urn(each, kind)]:
        raise ConfigurationError(
            f"{path}: `{field}` of gate {table['id']} has {invalid}. Use ids as the API returns them, "
            f"mlg://{kind.lower()}/<source>/<namespace>/<name>."
        )
    return frozenset(values)


def _read_list(table: Mapping[str, object], field: str, path: Path) -> list[str]:
    """Return the strings in a field; an absent field gives no strings.

    Raises `ConfigurationError` for any other value. An empty list is an error, because a reader could take it for
    "none" while it would mean "any".
    """
    if field not in table:
        return []
    values = table[field]
    if not isinstance(values, list) or not values or not all(isinstance(each, str) for each in values):
        raise ConfigurationError(
            f"{path}: `{field}` of gate {table['id']} is not a list of one or more strings. Write such a list, or "
            "remove the field."
        )
    return values


def _read_flag(table: Mapping[str, object], field: str, path: Path) -> bool:
    value = table.get(field, False)
    if not isinstance(value, bool):
        raise ConfigurationError(
            f"{path}: `{field}` of gate {table['id']} is {value!r}. Write true, or remove the field."
        )
    return value


def _read_distinct(table: Mapping[str, object], path: Path) -> frozenset[frozenset[str]]:
    """Return the set of the gate's approvals as the only element of a set; the empty set without ``distinct``.

    Raises `ConfigurationError` if `distinct` is no boolean, or if the gate has fewer than two approvals.
    """
    if not _read_flag(table, "distinct", path):
        return frozenset()
    names = frozenset(_read_strings(table, "approvals", path, NAME))
    if len(names) < _TWO:
        raise ConfigurationError(
            f"{path}: gate {table['id']} has `distinct` with fewer than two `approvals`. Name two or more of them."
        )
    return frozenset({names})


def _read_sensitivity(table: Mapping[str, object], path: Path) -> str:
    value = table.get("sensitivity", SENSITIVITIES[-1])
    if value not in SENSITIVITIES:
        raise ConfigurationError(
            f"{path}: `sensitivity` of gate {table['id']} is {value!r}. Use one of {list(SENSITIVITIES)}."
        )
    return str(value)
