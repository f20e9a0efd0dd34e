"""Field masks: fields in groups of equal rules, and the reason for which a group is hidden."""

from cedarpy import Schema

from policies.attributes import Caller, PolicyAttributes, caller_attributes
from policies.cedar.rules import parse
from policies.decision import Denial, FieldMask, Grade
from policies.governed import Governed
from policies.masks import GovernedType, GroupMask, combined_mask, governed_types
from policies.principal import Principal, PrincipalKind
from policies.vocabulary import Label, Labels, cedar_schema

LABELS: Labels = {
    "Model": {
        "id": Label.PUBLIC,
        "name": Label.PUBLIC,
        "task": Label.INTERNAL,
        "stage": Label.INTERNAL,
        "uri": Label.RESTRICTED,
        "token": Label.SECRET,
    },
    "Edge": {"via": Label.RESTRICTED},
}
GOVERNED = Governed({"Model": LABELS["Model"]}, {"Edge": LABELS["Edge"]}, fixed={"Model.id"})
TEXT = """
@id("open") @doc("?") permit(principal, action in [Action::"public", Action::"internal"], resource);
@id("owner") @doc("?") permit(principal, action in [Action::"restricted", Action::"secret"], resource)
  when { principal.teams.contains(resource.ownerTeam) };
@id("admin") @doc("?") permit(principal, action == Action::"Model.token", resource)
  when { principal.roles.contains("admin") };
@id("draft") @doc("?") forbid(principal, action == Action::"Model.uri", resource)
  when { resource.stage == "DRAFT" };
"""
MINE = PolicyAttributes("MODEL", "t1", "ORG", "PUBLIC", "ACTIVE", "PUBLIC")
THEIRS = MINE._replace(owner_team="t2")
ROW = Denial((), ("rows-team",))


def types() -> dict[str, GovernedType]:
    """Return the governed types of the labels above."""
    _, rules = parse(TEXT, Schema.from_str(cedar_schema(LABELS)))
    return dict(governed_types(LABELS, rules, GOVERNED))


def ada() -> Caller:
    """Return the attributes of a caller in team t1."""
    return caller_attributes(Principal("ada", PrincipalKind.PERSON, "acme", teams=frozenset({"t1"})))


def mask(attributes: PolicyAttributes, grade: Grade) -> FieldMask:
    """Return the mask of a model for Ada."""
    model = types()["Model"]
    groups = [GroupMask(group, ada()) for group in model.groups]
    return combined_mask(groups, attributes, grade, ROW, model.logged)


def test_fields_with_the_same_rules_and_grade_are_one_group() -> None:
    """Public fields need less of the row than internal ones; a rule about one field makes a group of its own."""
    groups = {group.fields: (group.grade, [rule.id for rule in group.rules]) for group in types()["Model"].groups}
    assert groups == {
        frozenset({"name"}): (Grade.DISCOVER, ["open"]),
        frozenset({"task", "stage"}): (Grade.READ, ["open"]),
        frozenset({"uri"}): (Grade.READ, ["owner", "draft"]),
        frozenset({"token"}): (Grade.READ, ["owner", "admin"]),
    }


def test_a_type_names_its_fields_and_those_to_log() -> None:
    """Restricted and secret fields are logged, non-null fields belong to the type, and an edge is no row."""
    model, edge = types()["Model"], types()["Edge"]
    assert model.fields == {"id", "name", "task", "stage", "uri", "token"}
    assert (set(model.logged), model.rows) == ({"uri", "token"}, True)
    assert (set(edge.logged), edge.rows) == ({"via"}, False)


def test_a_readable_row_of_the_own_team_hides_nothing_and_logs_sensitive_reads() -> None:
    """Every group is permitted, so the mask is empty, and both labelled fields are logged when read."""
    assert mask(MINE, Grade.READ) == FieldMask(frozenset(), {}, frozenset({"uri", "token"}))


def test_a_hidden_field_names_the_rules_that_would_permit_it() -> None:
    """Nothing forbids the fields of another team; each lists its own permits, and neither is logged."""
    assert mask(THEIRS, Grade.READ) == FieldMask(
        frozenset({"uri", "token"}), {"uri": Denial((), ("owner",)), "token": Denial((), ("owner", "admin"))}
    )


def test_a_forbidden_field_names_the_forbid_that_applies() -> None:
    """The forbid hides the field from its owner, and the other secret field stays visible and logged."""
    found = mask(MINE._replace(stage="DRAFT"), Grade.READ)
    assert found == FieldMask(frozenset({"uri"}), {"uri": Denial(("draft",), ("owner",))}, frozenset({"token"}))


def test_a_grade_that_is_too_low_hides_for_the_reason_of_the_row() -> None:
    """A discoverable row shows public fields; the others have the denial of the row, whatever their rules say."""
    found = mask(MINE, Grade.DISCOVER)
    assert found == FieldMask(
        frozenset({"task", "stage", "uri", "token"}), dict.fromkeys(("task", "stage", "uri", "token"), ROW)
    )


def test_a_hidden_row_hides_its_public_fields_as_well() -> None:
    """Only non-null fields, which are in no group, are outside of the mask."""
    assert mask(MINE, Grade.HIDDEN).hidden == {"name", "task", "stage", "uri", "token"}
