"""Gates: a wrong file stops the process with the place of the fault, and all gates that apply are combined."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from graphql_schema.catalog.urn import is_urn
from policies.errors import ConfigurationError
from policies.installation.gates import Gate, Gates, Needs, Selectors, load_gates

GATE = '[[gate]]\nid = "g"\ndoc = "Why."\n'
GOOD = f'{GATE}approvals = ["release"]\n'


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[[gate", r"cannot be read: .*valid TOML"),
        (
            GOOD.replace("[[gate]]", "[[gates]]"),
            r"has \['gates'\] outside of a gate. Write each gate under \[\[gate\]\]",
        ),
        (GOOD.replace("[[gate]]", "[gate]"), r"`gate` that is not under \[\[gate\]\]"),
        ("gate = [1]", r"`gate` that is not under \[\[gate\]\]"),
        (GOOD.replace('id = "g"\n', ""), r"without an `id` or without a `doc`"),
        (GOOD.replace('"g"', "[1]"), r"without an `id` or without a `doc`"),
        (GOOD.replace('doc = "Why."\n', 'doc = ""\n'), r"without an `id` or without a `doc`"),
        (GOOD + GOOD, r"several gates with the `id` g\."),
        (GOOD + 'alias = ["champion"]\n', r"gate g has the unknown fields \['alias'\]. Use \['aliases'"),
        (GATE, r"gate g has no requirements"),
        (GATE + "evaluations = false\n", r"gate g has no requirements"),
        (GATE + "distinct = true\n", r"gate g has `distinct` with fewer than two `approvals`"),
        (GOOD + "distinct = true\n", r"gate g has `distinct` with fewer than two `approvals`"),
        (GOOD + "distinct = 1\n", r"`distinct` of gate g is 1. Write true"),
        (GATE + "evaluations = 1\n", r"`evaluations` of gate g is 1. Write true"),
        (GATE + "approvals = []\n", r"`approvals` of gate g is not a list of one or more strings"),
        (GATE + 'approvals = "release"\n', r"`approvals` of gate g is not a list of one or more strings"),
        (GATE + 'approvals = ["all of us"]\n', r"`approvals` of gate g has \['all of us'\]"),
        (GATE + 'incidents = ["EXTREME"]\n', r"`incidents` of gate g has \['EXTREME'\]. Use some of \['LOW', "),
        (GATE + 'sensitivity = "SECRET"\n', r"`sensitivity` of gate g is 'SECRET'. Use one of \['PUBLIC'"),
        (GATE + 'sensitivity = ["PUBLIC"]\n', r"`sensitivity` of gate g is \['PUBLIC'\]. Use one of"),
        (GOOD + "aliases = []\n", r"`aliases` of gate g is not a list of one or more strings"),
        (GOOD + 'aliases = ["a b"]\n', r"`aliases` of gate g has \['a b'\]"),
        (GOOD + 'riskTiers = ["EXTREME"]\n', r"`riskTiers` of gate g has \['EXTREME'\]. Use some of \['LOW'"),
        (GOOD + 'domains = ["ads"]\n', r"`domains` of gate g has \['ads'\]. Use ids .*mlg://domain/<source>"),
        (GOOD + 'domains = ["mlg://domain/Catalog/default/pay"]\n', r"`domains` of gate g has \['mlg://domain/Cat"),
        (GOOD + 'domains = ["mlg://domain/catalog/pay"]\n', r"`domains` of gate g has \['mlg://domain/catalog/pay'\]"),
        (GOOD + 'domains = ["mlg://domain/catalog/default/p%61y"]\n', r"`domains` of gate g has "),
        (GOOD + 'domains = ["mlg://domain/catalog/default/pay/"]\n', r"`domains` of gate g has "),
        (GOOD + 'domains = ["mlg://domain/catalog/default/pay@1"]\n', r"`domains` of gate g has "),
        (GOOD + 'domains = ["mlg://team/catalog/default/pay"]\n', r"`domains` of gate g has "),
        (
            GATE + 'evaluations = true\nevaluators = ["mlg://team/Catalog/x"]\n',
            r"`evaluators` of gate g has \['mlg://team/Catalog/x'\]. Use ids .*mlg://team/<source>",
        ),
    ],
)
def test_a_wrong_gate_stops_the_start_up(tmp_path: Path, text: str, complaint: str) -> None:
    """A gate that is incomplete, or has an unknown key or value, is refused with its id."""
    path = tmp_path / "gates.toml"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=complaint):
        load_gates(is_urn, path)


def test_a_missing_file_stops_the_start_up(tmp_path: Path) -> None:
    """A missing file is an error, because no version would be gated without it."""
    with pytest.raises(ConfigurationError, match=r"nowhere\.toml cannot be read"):
        load_gates(is_urn, tmp_path / "nowhere.toml")


def test_all_gates_that_apply_are_combined(tmp_path: Path) -> None:
    """Approvals and severities are united and the strictest sensitivity applies; other gates have no effect."""
    path = tmp_path / "gates.toml"
    path.write_text(
        """
        [[gate]]
        id = "all"
        doc = "Everything."
        incidents = ["CRITICAL"]
        sensitivity = "CONFIDENTIAL"

        [[gate]]
        id = "champions"
        doc = "One alias of models with a risk."
        aliases = ["champion"]
        riskTiers = ["MEDIUM", "HIGH"]
        approvals = ["release"]
        incidents = ["HIGH"]
        uncontaminated = true

        [[gate]]
        id = "health"
        doc = "One domain."
        domains = ["mlg://domain/catalog/default/health"]
        approvals = ["ethics", "release"]
        evaluations = true
        sensitivity = "INTERNAL"
        """
    )
    gates, health = load_gates(is_urn, path), "mlg://domain/catalog/default/health"
    common = Needs(incidents=frozenset({"CRITICAL"}), sensitivity="CONFIDENTIAL")
    assert gates.needs("canary", Selectors("HIGH", "")) == common
    assert gates.needs("champion", Selectors("", "")) == common
    both = frozenset({"HIGH", "CRITICAL"})
    assert gates.needs("champion", Selectors("HIGH", "")) == Needs(
        ("release",), evaluations=False, incidents=both, sensitivity="CONFIDENTIAL", uncontaminated=True
    )
    assert gates.needs("champion", Selectors("MEDIUM", health)) == Needs(
        ("ethics", "release"), evaluations=True, incidents=both, sensitivity="INTERNAL", uncontaminated=True
    )


def test_the_shipped_gates_require_more_at_a_higher_risk() -> None:
    """Every champion must be healthy; MEDIUM risk needs a release, HIGH also governance and no restricted data."""
    gates, severe = load_gates(is_urn), frozenset({"HIGH", "CRITICAL"})
    needs = {risk: gates.needs("champion", Selectors(risk, "")) for risk in ("", "LOW", "MEDIUM", "HIGH")}
    assert needs[""] == needs["LOW"] == Needs((), evaluations=True, incidents=severe)
    assert needs["MEDIUM"] == Needs(("release",), evaluations=True, incidents=severe)
    assert needs["HIGH"] == Needs(
        ("governance", "release"),
        evaluations=True,
        incidents=severe,
        sensitivity="CONFIDENTIAL",
        distinct=frozenset({frozenset({"governance", "release"})}),
    )


STRICT = Needs(
    ("a", "b"),
    evaluations=True,
    incidents=frozenset({"HIGH"}),
    sensitivity="INTERNAL",
    evaluators=frozenset({"mlg://team/t"}),
    distinct=frozenset({frozenset({"a", "b"})}),
    uncontaminated=True,
)


@pytest.mark.parametrize(
    "weaker",
    [
        {"approvals": ("a",)},
        {"evaluations": False},
        {"uncontaminated": False},
        {"incidents": frozenset()},
        {"sensitivity": "CONFIDENTIAL"},
        {"evaluators": frozenset()},
        {"distinct": frozenset()},
    ],
    ids=str,
)
def test_requirements_cover_others_only_if_no_part_is_weaker(weaker: dict[str, Any]) -> None:
    """Each part of the requirements alone makes the rest weaker; equal and stricter ones cover."""
    less = replace(STRICT, **weaker)
    assert STRICT.covers(STRICT)
    assert STRICT.covers(less)
    assert not less.covers(STRICT)


def test_gates_are_weaker_if_any_alias_needs_less() -> None:
    """A gate of one alias is compared for this alias, and a gate of all aliases for an alias that no gate names."""
    domain = "mlg://domain/catalog/default/health"
    inside, outside = Selectors("", domain), Selectors("", "")
    for aliases in (frozenset[str](), frozenset({"champion"})):
        gates = Gates((Gate("g", Needs(("ethics",)), aliases, domains=frozenset({domain})),))
        assert gates.weaken(inside, outside)
        assert not gates.weaken(outside, inside)
        assert not gates.weaken(inside, inside)
