"""What an event contributes to an asset: bounded texts, and one command for the values with the added edges."""

import pytest

from app.http.graphql.graphql_request import RequestLimits, read_json
from app.ingest.sources.openlineage.contribution import (
    MAX_ELEMENTS,
    MAX_IGNORED,
    MAX_PART_NAME,
    MAX_PATH_NAME,
    MAX_TARGETS,
    Contribution,
    EventFacet,
    FacetError,
    bounded,
    number_in,
)
from graphql_schema.catalog.relations import CONTAINS, INPUT_TO, TAGGED

URN = "mlg://workflow/openlineage/n/j"


def test_edges_of_one_field_are_one_declaration() -> None:
    """Far ends are collected; an edge to the asset itself is left out unless it is lineage."""
    about = Contribution(URN, "j", 5)
    for end in ("a", "b", "a"):
        about.join(INPUT_TO.into(), "inputs", f"mlg://dataset/x/y/{end}", "DECLARED")
    about.join(CONTAINS.into("Workflow"), "partOf", URN)
    (edges,) = about.command().edges
    assert (edges.declarer, edges.adds, edges.origin) == ("OpenLineage.inputs", True, "DECLARED")
    assert [*edges.targets] == ["mlg://dataset/x/y/a", "mlg://dataset/x/y/b"]


def test_values_have_the_instant_of_the_event_as_order() -> None:
    """None and empty texts give nothing; the last value of one field counts."""
    about = Contribution(URN, "j", 5)
    about.give("description", None)
    about.give("description", "a")
    about.give("description", "b")
    about.give_property("x", "")
    about.give_property("y", {"b": 1, "a": 2})
    assert [(each.field, each.part, each.value, each.order) for each in about.command().values] == [
        ("description", "", "b", (5,)),
        ("properties", "openlineage.y", {"key": "openlineage.y", "value": '{"a":2,"b":1}'}, (5,)),
    ]
    with pytest.raises(FacetError, match="2001 characters"):
        about.give_property("z", "x" * 2_001)


def test_a_name_is_cut_in_the_paths_below_it() -> None:
    """A column with a name of 1 MB and 9,000 ignored sources would otherwise have 9 GB of paths."""
    name = "n" * 1_000_000
    facet = EventFacet("f", {"map": {name: {"list": [1] * 9_000}, f"{name}x": 1}})
    for given, member in facet.members("map"):
        assert (given, [*member.elements("list")]) == (name, [])
    assert (facet.ignored.of_event.count, len(facet.ignored.kept)) == (9_001, MAX_IGNORED)
    assert max(len(path) for path, _ in facet.ignored.kept) < MAX_PATH_NAME + 20


def test_members_of_a_facet_are_checked() -> None:
    """A text is cut, another type is refused, and odd elements are reported with their path."""
    facet = EventFacet("f", {"text": "x" * 5_000, "odd": 1, "list": [{}, 1], "map": {"a": {}, "b": 2}, "flag": True})
    assert len(facet.text("text") or "") == 4_000
    assert facet.text("absent") is None
    assert [each.path for each in facet.elements("list")] == ["f.list.0"]
    assert [name for name, _ in facet.members("map")] == ["a"]
    assert facet.ignored.kept == [("f.list.1", "no JSON object"), ("f.map.b", "no JSON object")]
    for refused in (
        lambda: facet.text("odd"),
        lambda: facet.text("absent", required=True),
        lambda: [*facet.elements("odd")],
        lambda: [*facet.members("odd")],
        lambda: facet.number("flag"),
        lambda: bounded("x" * 10, 5),
    ):
        with pytest.raises(FacetError):
            refused()
    assert number_in({"n": 2}, "n") == 2.0


@pytest.mark.parametrize("text", ["1e999", "-1e999"])
def test_a_number_beyond_the_range_of_a_float_is_no_value(text: str) -> None:
    """The reader of JSON makes it infinite, and no record is stored with such a number."""
    body = read_json(f'{{"n": {text}}}'.encode(), RequestLimits(), "The body")
    assert isinstance(body, dict)
    with pytest.raises(FacetError, match="`n` is too large"):
        number_in(body, "n")


def test_a_facet_has_a_bounded_number_of_elements() -> None:
    """Elements of nested lists and objects count; the limit itself is accepted."""
    for value in ([0] * (MAX_ELEMENTS - 1), {"a": [[0] * (MAX_ELEMENTS - 3)]}, dict.fromkeys(map(str, range(9_999)))):
        EventFacet("f", {"v": value}).require_few_elements()
        longer = {**value, "b": 0, "c": 0} if isinstance(value, dict) else [*value, 0]
        with pytest.raises(FacetError, match="more than 10000 elements"):
            EventFacet("f", {"v": longer}).require_few_elements()


def test_the_targets_of_a_list_are_bounded() -> None:
    """All writers wait for the transaction of one item, so an event gives an asset few owners and tags."""
    about = Contribution(URN, "j", 5)
    about.replace_list(TAGGED.out(), "tags", {str(number): {} for number in range(MAX_TARGETS)})
    with pytest.raises(FacetError, match="more than 200 tags; an event may give at most 200"):
        about.replace_list(TAGGED.out(), "tags", {str(number): {} for number in range(MAX_TARGETS + 1)})
    assert len(about.apart) == 1


def test_the_key_of_a_property_is_bounded() -> None:
    """It is a part of the record of the asset; a key that is longer gives no property."""
    about = Contribution(URN, "j", 5)
    about.give_property("k" * MAX_PART_NAME, "v")
    with pytest.raises(FacetError, match=f"key of a property with {MAX_PART_NAME + 1} characters"):
        about.give_property("k" * (MAX_PART_NAME + 1), "v")
    assert len(about.values) == 1
