"""The one decision of all importers about objects without an id: one failure each, and no error for the rest."""

from app.ingest.load.batches import ItemResult
from app.ingest.sources.made_ids import MadeIds
from policies.errors import InvalidError


def none() -> str:
    """Make no id."""
    raise InvalidError("It is too long; shorten it.")


def test_an_object_without_an_id_is_one_failure() -> None:
    """However often it is asked for; each object that refers to it is counted once."""
    ids = MadeIds("Feast")
    assert [ids.own("v", "view v", none, by) for by in (None, "a", "a", "b")] == [None] * 4
    reason = "It is too long; shorten it. It is left out, and so are references to it; correct it in Feast."
    assert ids.failures == [ItemResult("view v", "INVALID", (reason,))]
    assert ids.left_out == {("a", "v"), ("b", "v")}
    assert (ids.lacks("v"), ids.lacks("w")) == (True, False)


def test_the_first_of_several_objects_keeps_an_id() -> None:
    """The failure of the other one names both; an id that several objects may have is that of all of them."""
    ids = MadeIds("dbt")
    assert [ids.own(key, f"at {key}", lambda: "mlg://x") for key in "aba"] == ["mlg://x", None, "mlg://x"]
    (failure,) = ids.failures
    assert failure.location == "at b"
    assert failure.reasons[0].startswith("at b and at a would both become mlg://x; rename one of them.")
    assert [ids.common(key, key, lambda: "mlg://y") for key in "cd"] == ["mlg://y"] * 2
    assert len(ids.failures) == 1


def test_a_tag_without_a_name_is_a_failure_of_its_object() -> None:
    """The object keeps its other tags."""
    ids = MadeIds("dbt")
    assert [ids.tags("report", ["", "a b"]) for _ in range(2)] == [["mlg://tag/catalog/default/a%20b"]] * 2
    reason = "A tag has no name, and is left out; name or remove it in dbt."
    assert ids.failures == [ItemResult("report", "INVALID", (reason,))]
