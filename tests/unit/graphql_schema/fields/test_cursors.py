"""Cursors: sealed positions, valid for one caller, one list and one key."""

import base64
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.stores.plain_reader import PlainGraph

from app.graph.records.clock import epoch_milliseconds
from graphql_schema.fields.context import Context
from graphql_schema.fields.cursors import CursorCodec
from policies.errors import InvalidError
from policies.principal import Principal, PrincipalKind

ADA = Principal("ada", PrincipalKind.PERSON, "acme")
POSITION = (1_750_000_000_000, "mlg://model/mlflow/default/ranker")
VALUES = st.none() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"]))


def codec(*scope: object, caller: Principal = ADA, key: bytes = b"k" * 32) -> CursorCodec:
    """Return the codec of one list of one caller."""
    graph = PlainGraph()
    return CursorCodec(Context(caller, lambda *_: graph, graph, graph.report, key, epoch_milliseconds), *scope)


@given(st.lists(VALUES, max_size=4).map(tuple))
def test_a_cursor_gives_back_its_position(position: tuple[Any, ...]) -> None:
    """Numbers, texts and nulls survive, in another process as well: the same key makes the same cursor."""
    cursor = codec("assets").seal(position)
    assert codec("assets").open(cursor) == position
    assert codec("assets").seal(position) == cursor


def test_a_cursor_does_not_show_its_position() -> None:
    """A position may contain a time or an id that is hidden from the caller."""
    raw = base64.urlsafe_b64decode(codec("assets").seal(POSITION) + "===")
    assert b"ranker" not in raw
    assert str(POSITION[0]).encode() not in raw


@pytest.mark.parametrize(
    "other",
    [
        lambda: codec("teams"),
        lambda: codec("assets", ("in", "kind", ("RUN",))),
        lambda: codec("assets", caller=replace(ADA, subject="eve")),
        lambda: codec("assets", caller=replace(ADA, tenant="other")),
        lambda: codec("assets", key=b"x" * 32),
    ],
)
def test_a_cursor_is_refused_for_another_list_caller_or_key(other: Callable[[], CursorCodec]) -> None:
    """The position of one caller is not disclosed to another, and a cursor of one filter is not applied to another."""
    cursor = codec("assets").seal(POSITION)
    with pytest.raises(InvalidError, match="`after` is not a cursor of this list"):
        other().open(cursor)


@pytest.mark.parametrize("cursor", ["", "x", "é", "AAAA", "A" * 80, "=", "🙂"])
def test_a_text_that_is_no_cursor_is_refused(cursor: str) -> None:
    """Text that was never sealed is the caller's mistake, not a fault of the server."""
    with pytest.raises(InvalidError):
        codec("assets").open(cursor)


@given(st.integers(0), st.sampled_from("AZaz09-_"))
def test_a_changed_cursor_is_refused(place: int, letter: str) -> None:
    """Whichever letter of a cursor is changed, nothing is read from it."""
    cursor = codec("assets").seal(POSITION)
    at = place % len(cursor)
    changed = cursor[:at] + letter + cursor[at + 1 :]
    if base64.urlsafe_b64decode(changed + "===") != base64.urlsafe_b64decode(cursor + "==="):
        with pytest.raises(InvalidError):
            codec("assets").open(changed)


@pytest.mark.parametrize("length", [10, 5_000])
def test_the_scope_is_read_once_for_all_cursors_of_a_list(length: int) -> None:
    """A scope can have half a million characters, and a page 500 cursors, which are made without a pause."""
    reads = 0

    class Filter:
        """A part of a scope that counts how often it is read."""

        def __repr__(self) -> str:
            nonlocal reads
            reads += 1
            return "x" * length

    made = codec("assets", Filter())
    cursors = [made.seal((number, "id")) for number in range(5)]
    within = [codec("versions", made, number).seal(POSITION) for number in range(5)]
    assert (reads, len({*cursors, *within})) == (1, 10)
    assert [made.open(cursor) for cursor in cursors] == [(number, "id") for number in range(5)]


def test_a_long_scope_binds_as_a_short_one() -> None:
    """Scopes that differ in their last character have other cursors, and so have lists within lists that differ."""
    for first, second in (("a", "b"), ("x" * 5_000 + "a", "x" * 5_000 + "b")):
        cursor, inner = codec(first).seal(POSITION), codec("in", codec(first)).seal(POSITION)
        assert codec(first).open(cursor) == codec("in", codec(first)).open(inner) == POSITION
        for other, sealed in ((codec(second), cursor), (codec("in", codec(second)), inner)):
            with pytest.raises(InvalidError):
                other.open(sealed)
