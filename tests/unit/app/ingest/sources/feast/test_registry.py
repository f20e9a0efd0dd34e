"""Reading the dump of a real registry, and refusing what is none."""

from pathlib import Path

import pytest

from app.ingest.sources.feast.registry import Registry, read_registry
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
