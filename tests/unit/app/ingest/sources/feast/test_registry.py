"""Reading the dump of a real registry, and refusing what is none."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.ingest.sources.feast.mapping import FeastMapping
from app.ingest.sources.feast.registry import Registry, read_registry
from app.ingest.sources.openlineage.event_names import EventNames
from policies.errors import InvalidError

FILE = Path(__file__).parents[5] / "data/feast/shop/registry.json"


def test_views_of_all_types_are_read() -> None:
    """Each view has the name of its type, and a section that is absent is empty."""
    registry = read_registry(FILE)
    assert registry.project == "shop"
    assert sorted((kind, view["spec"]["name"]) for kind, view in registry.views()) == [
        ("feature view", "order_features"),
        ("feature view", "profile_features"),
        ("feature view", "score_features"),
        ("on-demand feature view", "basket_features"),
    ]
    assert list(registry.section("streamFeatureViews")) == []


@pytest.mark.parametrize(
    ("entities", "keys"),
    [(["customer", "shop"], ["customer_id", "shop"]), (["__dummy"], []), (None, [])],
)
def test_join_keys_are_those_of_the_entities(entities: list[str] | None, keys: list[str]) -> None:
    """An entity that the registry lacks keeps its name, and the placeholder of views without an entity is none."""
    assert read_registry(FILE).join_keys({"spec": {"entities": entities}}) == keys


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"project": ""}', '{"project": 7}'])
def test_a_file_that_is_no_dump_is_refused(text: str, tmp_path: Path) -> None:
    """The message has the command that writes one."""
    (tmp_path / "registry.json").write_text(text)
    with pytest.raises(InvalidError, match="feast registry-dump"):
        read_registry(tmp_path / "registry.json")


def test_an_empty_project_has_nothing() -> None:
    """A registry without sections has no views."""
    assert list(Registry("p", {}).views()) == []


class Counted(list[Any]):
    """A list that counts how often it is read."""

    reads = 0

    def __iter__(self) -> Iterator[Any]:
        self.reads += 1
        return super().__iter__()


def test_entities_are_read_once_for_all_views() -> None:
    """Thousands of views with thousands of entities are no product of both."""
    entities = Counted([{"spec": {"name": "a", "joinKey": "a_id"}}])
    registry = Registry("p", {"entities": entities})
    assert [registry.join_keys({"spec": {"entities": ["a", "b"]}}) for _ in range(9)] == [["a_id", "b"]] * 9
    assert entities.reads == 1


@pytest.mark.parametrize(
    "content",
    [
        {"featureViews": 7},
        {"featureViews": [7]},
        {"featureViews": [{"name": "a"}]},
        {"featureViews": [{"spec": {"name": "a", "features": [7]}}]},
        {"featureViews": [{"spec": {"name": "a", "entities": 7}}]},
        {"featureViews": [{"spec": {"name": "a", "tags": [7]}}]},
        {"featureViews": [{"spec": {"name": "a", "ttl": 7}, "meta": {"materializationIntervals": [7]}}]},
        {"featureServices": [{"spec": {"name": "a", "features": [{"featureColumns": 7}]}}]},
        {"entities": [7], "featureViews": [{"spec": {"name": "a", "entities": ["b"]}}]},
        {"dataSources": [{"name": "a", "tags": 7}]},
    ],
)
def test_objects_of_another_form_are_refused(content: dict[str, Any], tmp_path: Path) -> None:
    """The error names the file, whatever is wrong in it."""
    file = tmp_path / "registry.json"
    file.write_text(json.dumps({"project": "p", **content}))
    mapping = FeastMapping(read_registry(file), None, EventNames(()))
    with pytest.raises(InvalidError, match=r"registry\.json has an object of another form .*feast registry-dump"):
        mapping.content(with_owners=True)


def test_a_long_time_to_live_is_none(tmp_path: Path) -> None:
    """A number of thousands of digits is no duration, and no error."""
    file, view = (
        tmp_path / "registry.json",
        {"spec": {"name": "a", "ttl": "9" * 5_000 + "s", "features": [{"name": "f"}]}},
    )
    file.write_text(json.dumps({"project": "p", "featureViews": [view]}))
    items = FeastMapping(read_registry(file), None, EventNames(())).content(with_owners=True).items
    assert [each.value["feature"]["freshnessSla"] for each in items if "feature" in each.value] == [None]
