"""The meaning of a policy as few lines: labels with their exceptions, and writes, by class of assets."""

import pytest

from app.policy.asset_classes import AXES, AssetClass, Block
from app.policy.matrix import Line, decisions_of, lines
from graphql_schema.catalog.kinds import ASSETS
from policies.governed import Governed
from policies.policy import Policy
from policies.principal import Principal, PrincipalKind
from policies.vocabulary import Label

MODEL = {"id": Label.PUBLIC, "name": Label.PUBLIC, "task": Label.INTERNAL, "uri": Label.RESTRICTED}
RUN = {"id": Label.PUBLIC, "error": Label.INTERNAL, "log": Label.INTERNAL}
ROWS = {name: RUN if name == "Run" else MODEL for name in ASSETS}
EDGES = {"Ownership": {"since": Label.PUBLIC}}
LABELS = {**ROWS, **EDGES}
GOVERNED = Governed(ROWS, EDGES)
RULES = """
@id("rows") @doc("?") permit(principal, action in [Action::"discover", Action::"read"], resource)
  when { resource.visibility == "ORG" };
@id("public") @doc("?") permit(principal, action in Action::"public", resource);
@id("internal") @doc("?") permit(principal, action in Action::"internal", resource)
  when { principal.roles.contains("reader") };
@id("uri") @doc("?") permit(principal, action == Action::"Model.uri", resource)
  when { principal.roles.contains("reader") };
@id("log") @doc("?") forbid(principal, action == Action::"Run.log", resource);
@id("since") @doc("?") forbid(principal, action == Action::"Ownership.since", resource)
  when { resource.kind == "RUN" };
@id("writes") @doc("?") permit(principal, action in [Action::"link", Action::"update"], resource)
  when { principal.teams.contains(resource.ownerTeam) };
"""
OWN, ORG = frozenset({"own"}), frozenset({"ORG"})
BO = Principal("bo", PrincipalKind.PERSON, "default", scopes=frozenset({"graph:read"}))
ADA = Principal(
    "ada",
    PrincipalKind.PERSON,
    "default",
    teams=frozenset({"mlg://team/t"}),
    roles=frozenset({"reader"}),
    scopes=frozenset({"graph:read", "graph:write"}),
)


@pytest.fixture(scope="module")
def small() -> Policy:
    """Return a policy whose meaning is easy to state."""
    return Policy(RULES, LABELS, GOVERNED)


def block(**values: frozenset[str]) -> Block:
    """Return the block of every class with some values."""
    return tuple(values.get(name, frozenset(axis)) for name, axis in AXES.items())


def model(visibility: str, kind: str = "MODEL", owner: str = "own") -> AssetClass:
    """Return a class of assets."""
    return owner, visibility, "PUBLIC", "ACTIVE", kind


def test_decisions_name_what_is_visible_and_allowed(small: Policy) -> None:
    """A class has its row actions, its visible fields and its writes; a hidden asset has none of them."""
    found = decisions_of(small, GOVERNED, ADA)
    readable = {"discover", "read", "Model.id", "Model.name", "Model.task", "Model.uri", "Ownership.since"}
    assert found[model("ORG")] == {*readable, "link", "update"}
    assert found[model("ORG", owner="other")] == readable
    assert found[model("TEAM")] == frozenset()
    assert found[model("ORG", "RUN", "other")] == {"discover", "read", "Run.id", "Run.error"}


def test_kinds_that_are_not_governed_have_writes_only(small: Policy) -> None:
    """A team is open to everyone, so only the rights on it are decisions."""
    assert decisions_of(small, GOVERNED, ADA)[model("ORG", "TEAM")] == {"link", "update"}


def test_lines_name_labels_with_the_fields_that_differ(small: Policy) -> None:
    """A label with few hidden fields lists them with a minus; one with few visible fields lists these with a plus.

    Labels are listed for all kinds together: a field of an edge that one kind hides is an exception. A write needs the
    visibility of its asset.
    """
    sees = ("public", "-Ownership.since", "internal", "-Run.log", "+Model.uri")
    assert lines(small, GOVERNED, ADA) == [
        Line("sees", sees, block(visibility=ORG)),
        Line("does", ("update", "link"), block(owner=OWN, visibility=ORG)),
    ]


def test_a_caller_who_may_nothing_has_no_line(small: Policy) -> None:
    """What no line names is hidden or denied: without roles and teams a caller sees public fields only."""
    others = frozenset({"other", "nobody"})
    assert lines(small, GOVERNED, BO) == [
        Line("sees", ("public", "-Ownership.since"), block(owner=others, visibility=ORG))
    ]
    stranger = Principal("x", PrincipalKind.PERSON, "default")
    assert lines(small, GOVERNED, stranger) == []
