"""Other spellings of an id: assets of the same kind with the same words, and those that name the id as a symlink."""

# mypy: disable-error-code="index"
# A response of another shape fails the test.

from collections.abc import Awaitable, Callable

from strawberry.types import ExecutionResult
from support.stores.plain_reader import PlainGraph

from graphql_schema.catalog.index_values import property_term
from graphql_schema.observability.other_spellings import MAX_SPELLINGS, SYMLINK, symlink_key

Run = Callable[..., Awaitable[ExecutionResult]]
WANTED = "mlg://dataset/other/default/Shop.Orders"
EXPLAIN = "query ($id: ID!) { explainAbsence(id: $id) { reason spellings { of rule asset { id } } } }"


async def spelt(run: Run, urn: str) -> list[tuple[str, str]]:
    """Return the names and rules of the other spellings of an id."""
    found = (await run(EXPLAIN, id=urn)).data["explainAbsence"]
    assert found["reason"] == ("OTHER_SPELLING" if found["spellings"] else "UNKNOWN_OR_HIDDEN")
    assert {each["of"] for each in found["spellings"]} <= {urn}
    return [(each["asset"]["id"].rpartition("/")[2], each["rule"]) for each in found["spellings"]]


async def test_names_with_the_same_words_are_found(run: Run, graph: PlainGraph) -> None:
    """A name of the same kind counts whatever its case and separators are; another kind and other words do not."""
    graph.add("DATASET", "shop_orders", displayName="shop orders")
    graph.add("MODEL", "shop_orders", displayName="shop orders")
    graph.add("DATASET", "orders", displayName="orders")
    assert await spelt(run, WANTED) == [("shop_orders", "NAME")]


async def test_a_version_has_the_spellings_of_its_version(run: Run, graph: PlainGraph) -> None:
    """A version with another label is no spelling."""
    for version in ("1", "2"):
        graph.add("DATASET_VERSION", "shop_orders", displayName="shop orders", version=version)
    assert await spelt(run, "mlg://dataset-version/other/default/Shop.Orders@2") == [("shop_orders@2", "NAME")]


async def test_a_symlink_comes_before_equal_words(run: Run, graph: PlainGraph) -> None:
    """The asset says in a property that events also name it by the id; hidden properties say nothing."""
    key = symlink_key(WANTED)
    graph.add("DATASET", "a", displayName="shop orders")
    graph.add("DATASET", "b", pairs=[property_term(key, SYMLINK)], properties=[{"key": key, "value": SYMLINK}])
    assert await spelt(run, WANTED) == [("b", "SYMLINK"), ("a", "NAME")]


async def test_equal_names_cut_off_no_symlink(run: Run, graph: PlainGraph) -> None:
    """The asset with the symlink is found behind more assets with the same words than are compared."""
    key = symlink_key(WANTED)
    for number in range(60):
        graph.add("DATASET", f"d{number}", displayName="shop orders")
    graph.add("DATASET", "z", pairs=[property_term(key, SYMLINK)], properties=[{"key": key, "value": SYMLINK}])
    assert (await spelt(run, WANTED))[0] == ("z", "SYMLINK")


async def test_the_number_of_spellings_is_bounded(run: Run, graph: PlainGraph) -> None:
    """Of many assets with the same words the first are returned."""
    for number in range(MAX_SPELLINGS + 5):
        graph.add("DATASET", f"d{number}", displayName="shop orders")
    assert len(await spelt(run, WANTED)) == MAX_SPELLINGS


async def test_a_name_without_words_has_no_spelling(run: Run, graph: PlainGraph) -> None:
    """A name of separators alone is not compared."""
    graph.add("DATASET", "x", displayName="")
    assert await spelt(run, "mlg://dataset/other/default/%2F") == []
