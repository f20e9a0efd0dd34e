"""The reference of the shipped policy as pages in Markdown, generated from the files in ``policies/``.

What each caller sees and does is the decision table of the tests, which are against the rules.
"""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from policies.cedar.rules import Rule
from policies.policy import SHIPPED, Policy
from policies.vocabulary import Label, RowAction, WriteAction

FOLDER: Final = "reference/policy"

_DECISIONS: Final = Path(__file__).parent.parent / "tests" / "unit" / "policies" / "decision_table.txt"
_TITLES: Final = {"rows": "Access to assets", "fields": "Access to fields", "writes": "Writes"}
"""The title of the rules whose ids begin with a word."""

_VISIBLE_TO: Final = {
    Label.PUBLIC: "Visible to callers who may discover the asset.",
    Label.INTERNAL: "Visible to callers who may read the asset.",
    Label.RESTRICTED: "Visible to callers who may read the asset, if a rule permits it. The access log has each read.",
    Label.SECRET: "Visible to callers who may read the asset, if a rule permits it. The access log has each read.",
}
_APPLIES: Final = ("aliases", "riskTiers", "domains")
"""The conditions of a gate; its other keys are requirements."""

_ROLES: Final = """# Roles and personas

The roles that rules may use, from `policies/roles.toml`. A role in a token that is not listed is dropped.
"""
_PERSONAS: Final = """
## Personas
Example callers, from `policies/personas.toml`. `mlg token NAME` prints a token of one in development.
"""
_RULES: Final = """# Rules

The rules in `policies/*.cedar`. Access that no rule permits is denied, and `forbid` wins over `permit`.
"""
_LABELS: Final = """# Labels of fields

Each field of an asset or of an edge has one label, from `policies/labels.toml`.
"""
_GATES: Final = """# Gates and other settings

The gates in `policies/gates.toml` ({doc}`Gates </docs/gates>`). A move of a protected alias must pass all that apply.
"""
_MATRIX: Final = """# What each caller sees and does

Each decision of the shipped policy, by caller and class of assets. `sees public` is to discover an asset, and
`internal` to read it.
A class that no line names is hidden, and may not be changed. `RAISED` is RESTRICTED by a raise that is not confirmed.
"""


def policy_pages(policy: Policy) -> dict[str, str]:
    """Return the pages by path: roles, rules, labels, gates, and what each caller may see and do."""
    texts = {
        "roles": _roles(),
        "rules": _rules(policy),
        "labels": _labels(policy),
        "matrix": _matrix(_DECISIONS.read_text("utf-8")),
        "gates": _gates(),
    }
    return {f"{FOLDER}/{name}.md": text for name, text in texts.items()}


def _content(name: str) -> dict[str, Any]:
    return tomllib.loads((SHIPPED / name).read_text("utf-8"))


def _table(*columns: str) -> list[str]:
    return [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _code(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _roles() -> str:
    roles = [_row(f"`{name}`", about) for name, about in _content("roles.toml")["roles"].items()]
    personas = [
        _row(f"`{name}`", each["about"], *(_code(each[key]) for key in ("groups", "roles", "scopes")))
        for name, each in _content("personas.toml").items()
    ]
    head = _table("name", "who", "groups", "roles", "scopes")
    return "\n".join([_ROLES, *_table("role", "a caller with it"), *roles, _PERSONAS, *head, *personas, ""])


def _rules(policy: Policy) -> str:
    texts = [_RULES]
    for prefix, title in _TITLES.items():
        rules = [rule for rule in policy.engine.rules if rule.id.startswith(f"{prefix}-")]
        texts += [f"## {title}\n", *_table("rule", "effect", "on", "applies if")]
        texts += [*(_row(f"`{each.id}`", each.effect, _code(_actions(each)), each.doc) for each in rules), ""]
    return "\n".join(texts)


def _actions(rule: Rule) -> list[str]:
    """Return the actions, and labels of fields, to which a rule applies."""
    known = [*map(str, RowAction), *map(str, Label), *map(str, WriteAction)]
    return [action for action in known if rule.matches(action, None)]


def _labels(policy: Policy) -> str:
    texts = [_LABELS]
    for label, text in _VISIBLE_TO.items():
        texts += [f"(label-{label})=\n## {str(label).capitalize()}\n\n{text}\n", *_table("type", "fields")]
        texts += [*_labelled(policy, label), ""]
    return "\n".join(texts)


def _labelled(policy: Policy, label: Label) -> Iterator[str]:
    for type_name, fields in policy.labels.items():
        names = [field for field, each in fields.items() if each is label]
        if names:
            yield _row(f"[{type_name}](#{type_name})", _code(names))


def _matrix(table: str) -> str:
    """Return the page of a decision table: a caller and a colon, lines with cells between bars, an empty line."""
    texts = [_MATRIX]
    for block in table.split("\n\n"):
        lines = [line for line in block.strip().splitlines() if not line.startswith("#")]
        if lines:
            name, _, about = lines[0].partition(": ")
            rows = [_row(*(cell.strip().replace("*", "any") for cell in line.split("|"))) for line in lines[1:]]
            head = _table("what", "owner", "visibility", "sensitivity", "stage", "kind")
            texts += [f"## {name}\n\n{about}.\n", *([*head, *rows, ""] if rows else ["Nothing.\n"])]
    return "\n".join(texts)


def _gates() -> str:
    rows = []
    for gate in _content("gates.toml")["gate"]:
        conditions = {key: gate[key] for key in _APPLIES if key in gate}
        demands = {key: value for key, value in gate.items() if key not in {*_APPLIES, "id", "doc"}}
        rows.append(_row(f"`{gate['id']}`", gate["doc"], _values(conditions) or "every move", _values(demands)))
    stops, disclosure = _content("sensitivity.toml")["stops"], _content("disclosure.toml")["disclosure"]
    others = [
        f"\nSensitivity stops at these kinds: {_code(stops)} ({{doc}}`Effective sensitivity </docs/sensitivity>`).\n",
        f"Of hidden vertices, lineage discloses: `{disclosure}` ({{doc}}`Lineage </docs/lineage>`).\n",
    ]
    return "\n".join([_GATES, *_table("gate", "meaning", "applies to", "demands"), *rows, *others])


def _values(gate: Mapping[str, object]) -> str:
    texts = [f"`{key}`: {', '.join(each) if isinstance(each, list) else each}" for key, each in gate.items()]
    return "; ".join(texts)
