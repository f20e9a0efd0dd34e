"""Objects without an id of their own are one failure each, and there is no error for the rest of a source."""

from app.ingest.load.batches import ItemResult
from app.ingest.sources.made_ids import MadeIds
from policies.errors import InvalidError


def none() -> str:
    """Make no id."""
    raise InvalidError("It is too long; shorten it.")


def test_an_object_without_an_id_is_one_failure() -> None:
    """However often it is asked for; each object that refers to it is counted once."""
    ids = MadeIds("Feast")
    assert [ids.of("v", "view v", none, by) for by in (None, "a", "a", "b")] == [None] * 4
    reason = "It is too long; shorten it. It is left out, and so are references to it; correct it in Feast."
    assert ids.failures == [ItemResult("view v", "INVALID", (reason,))]
    assert ids.left_out == {("a", "v"), ("b", "v")}
    assert (ids.lacks("v"), ids.lacks("w")) == (True, False)


def test_an_id_that_several_objects_have_is_that_of_none() -> None:
    """The failure of each names another one; references to the id stay, and so do ids that are only referred to."""
    ids = MadeIds("dbt")
    assert [ids.own(key, f"at {key}", lambda: "mlg://x") for key in "aba"] == ["mlg://x"] * 3
    assert [ids.of(key, key, lambda: "mlg://x", "report") for key in "bc"] == ["mlg://x"] * 2
    assert ids.own("d", "at d", lambda: "mlg://y") == "mlg://y"
    assert [ids.of(key, key, lambda: "mlg://y") for key in "de"] == ["mlg://y"] * 2
    assert [ids.contested(f"mlg://{name}") for name in "xyz"] == [True, False, False]
    rest = "None of them is sent, and what is stored stays."
    assert ids.failures == [
        ItemResult(
            f"at {one}",
            "INVALID",
            (f"at {one} and at {other} would both become mlg://x; rename one of them in dbt. {rest}",),
        )
        for one, other in ("ab", "ba", "aa")
    ]
    assert ids.left_out == set()


def test_a_tag_without_a_name_is_a_failure_of_its_object() -> None:
    """The object keeps its other tags."""
    ids = MadeIds("dbt")
    assert [ids.tags("report", ["", "a b"]) for _ in range(2)] == [["mlg://tag/catalog/default/a%20b"]] * 2
    reason = "A tag has no name, and is left out; name or remove it in dbt."
    assert ids.failures == [ItemResult("report", "INVALID", (reason,))]
