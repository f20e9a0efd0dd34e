"""Values of DataHub's aspects as text, instants and properties."""

from typing import Any

import pytest

from app.ingest.load.batches import ImportItem, ItemResult
from app.ingest.sources.datahub.aspect_files import Entity, Estate
from app.ingest.sources.datahub.mapping import map_estate
from app.ingest.sources.datahub.names import Names
from app.ingest.sources.datahub.shared_aspects import SharedAspects, as_text, instant, key_values, without_nulls
from policies.errors import InvalidError


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", "a"),
        ("", None),
        (None, None),
        ([], None),
        ({}, None),
        (["a"], "a"),
        ([["a"]], "a"),
        ([""], None),
        (["a", "b"], '["a","b"]'),
        (0, "0"),
        (False, "false"),
        (1.5, "1.5"),
        ({"a": 1}, '{"a":1}'),
    ],
)
def test_a_value_is_the_text_of_a_property(value: object, text: str | None) -> None:
    """Zero and false are values; an empty text, list or object is none, and one item is written without its list."""
    assert as_text(value) == text


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (None, None),
        (0, None),
        (-1, None),
        (253_402_300_799_999, None),
        (1e300, None),
        (1_500, "1970-01-01T00:00:01.500000+00:00"),
        (1_000.0, "1970-01-01T00:00:01+00:00"),
    ],
)
def test_an_instant_of_zero_is_unknown(milliseconds: float | None, text: str | None) -> None:
    """DataHub writes 0 where no time is known; one that the graph does not have is left out, and ends no import."""
    assert instant(milliseconds) == text


def test_parameters_without_a_value_are_left_out() -> None:
    """Without parameters there is no list, which leaves the stored one; an empty list clears it."""
    pairs: list[dict[str, Any]] = [{"name": "depth", "value": 3}, {"name": "none", "value": None}, {"name": "absent"}]
    assert key_values(pairs) == [{"key": "depth", "value": "3"}]
    assert (key_values(None), key_values([])) == (None, [])


def test_only_nulls_are_removed_from_a_body() -> None:
    """An empty list clears a field, and an absent field leaves it."""
    assert without_nulls({"a": None, "b": [], "c": "", "d": 0}) == {"b": [], "c": "", "d": 0}


def test_metrics_are_finite_numbers() -> None:
    """DataHub stores metrics as text; text of no finite number is left out and counted."""
    estate = Estate()
    texts = ["0.5", "1e308", "nan", "-Infinity", "1e999", "high", None]
    pairs = [{"name": f"m{index}", "value": text} for index, text in enumerate(texts)]
    found = SharedAspects(estate, Names(estate)).metrics(Entity("mlModel", "urn:li:mlModel:x"), pairs)
    assert found == [{"name": "m0", "value": 0.5}, {"name": "m1", "value": 1e308}]
    assert estate.skipped_parts == {"mlModel/metrics.notANumber": 5}


def test_lists_in_lists_need_no_stack() -> None:
    """A value that is nested as deeply as JSON is read is the text of its only element."""
    value: object = "x"
    for _ in range(5_000):
        value = [value]
    assert as_text(value) == "x"


def test_a_malformed_aspect_fails_alone() -> None:
    """The failure names the entity; the others are sent. What all entities share is an error of the import."""
    estate = Estate()
    for name, owners in (("a", [{"owner": "urn:li:corpuser:ada"}]), ("b", 7), ("c", [{"own": 1}]), ("d", [[]])):
        urn = f"urn:li:dataset:(urn:li:dataPlatform:hive,{name},PROD)"
        estate.entity("dataset", urn).aspects["ownership"] = {"owners": owners}
    found = map_estate(estate)
    failed = [each for each in found if isinstance(each, ItemResult)]
    assert [each.location.split(",")[1] for each in failed] == ["b", "c", "d"]
    assert all(each.outcome == "INVALID" and "does not have the form" in each.reasons[0] for each in failed)
    assert [each.location.split(",")[1] for each in found if isinstance(each, ImportItem)] == ["a"]
    estate.entity("mlModel", "urn:li:mlModel:(urn:li:dataPlatform:mlflow,m,PROD)").aspects["mlModelProperties"] = {
        "groups": 7
    }
    with pytest.raises(InvalidError, match="does not have the form"):
        map_estate(estate)
