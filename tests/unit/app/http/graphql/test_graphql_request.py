"""Parameters of an operation: their types, the depth of JSON, and the size of the document."""

import asyncio
import threading
from math import inf
from typing import Any

import pytest

from app.http.errors import HttpError
from app.http.graphql import graphql_request
from app.http.graphql.graphql_request import (
    LONG_JSON,
    MAX_CONTENT_TYPE,
    RequestLimits,
    checked_params,
    is_json,
    read_json,
)

LIMITS = RequestLimits(document_bytes=10, json_depth=3)


def refused(values: object) -> tuple[int, str, str]:
    """Return status, code and message of parameters that are refused."""
    with pytest.raises(HttpError) as error:
        checked_params(values, LIMITS)
    return error.value.status, error.value.code.value, error.value.message


def test_the_four_parameters_are_returned() -> None:
    """Other members are ignored, also of the extensions, and absent ones are None."""
    given = {"query": "{ a }", "variables": {"x": 1}, "operationName": "q", "id": 7}
    hashed = {"persistedQuery": {"version": 1}}
    found = checked_params({**given, "extensions": {**hashed, "more": [1]}}, LIMITS)
    assert (found.query, found.variables, found.operation_name, found.extensions) == ("{ a }", {"x": 1}, "q", hashed)
    assert checked_params({**given, "extensions": {"more": [1]}}, LIMITS).extensions is None
    bare = checked_params({"query": "{ a }", "variables": None}, LIMITS)
    assert (bare.variables, bare.operation_name, bare.extensions) == (None, None, None)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([], "The body is malformed. Send one JSON object; for several operations, send several requests."),
        (None, "The body is malformed. Send one JSON object; for several operations, send several requests."),
        ({}, "`query` is missing or empty. Send the text of a GraphQL document."),
        ({"query": ""}, "`query` is missing or empty. Send the text of a GraphQL document."),
        ({"query": 1}, "`query` is malformed. Send the text of a GraphQL document."),
        ({"query": "{ a }", "variables": []}, "`variables` is malformed. Send a JSON object or null."),
        ({"query": "{ a }", "variables": "{}"}, "`variables` is malformed. Send a JSON object or null."),
        ({"query": "{ a }", "operationName": {}}, "`operationName` is malformed. Send a string or null."),
        ({"query": "{ a }", "extensions": 1}, "`extensions` is malformed. Send a JSON object or null."),
    ],
)
def test_a_parameter_of_another_type_is_refused(values: Any, message: str) -> None:
    """The message names the parameter and what to send."""
    assert refused(values) == (400, "BAD_REQUEST", message)


def test_the_size_of_a_document_is_counted_in_bytes() -> None:
    """Ten bytes are accepted; a character of two bytes counts twice, and a lone surrogate is no crash."""
    assert checked_params({"query": "x" * 10}, LIMITS).query == "x" * 10
    assert checked_params({"query": "ä" * 5}, LIMITS).query == "ä" * 5
    for text in ("x" * 11, "ä" * 6, "\ud800" * 4):
        assert refused({"query": text})[:2] == (413, "LIMIT_EXCEEDED")


@pytest.mark.parametrize(
    ("text", "value"),
    [(b"[[[1]]]", [[[1]]]), (b'{"a": {"b": []}}', {"a": {"b": []}}), (b"1", 1), (b"null", None), (b"[]", [])],
)
def test_json_up_to_the_depth_is_read(text: bytes, value: object) -> None:
    """Three levels are the limit; a plain value has none."""
    assert read_json(text, LIMITS, "The body") == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"[1e999, -1e999]", [inf, -inf]),
        (b"[1" + b"0" * 400 + b"]", [inf]),
        (b'[1e999, 12345678901234567890123, 7, "a"]', [inf, 1.2345678901234568e22, 7, "a"]),
    ],
)
def test_numbers_beyond_a_float_are_infinite(text: bytes, value: object) -> None:
    """Such a number is JSON; the validation of values refuses it by its field. The others keep their value."""
    assert read_json(text, LIMITS, "The body") == value


def test_such_a_number_in_a_long_text_is_refused() -> None:
    """The parser that accepts it would hold the event loop, so the error has its position only."""
    text = b'{"a": [1e999, "%s"]}' % (b"x" * LONG_JSON)
    with pytest.raises(HttpError) as error:
        read_json(text, LIMITS, "The body")
    assert (error.value.status, error.value.code.value) == (400, "BAD_REQUEST")


@pytest.mark.parametrize("text", [b"[1e999, NaN]", b"[1e999, Infinity]", b'[1e999, "\\ud800"]', b"[1e999", b"1e999]"])
def test_what_is_no_json_beside_such_a_number_is_refused(text: bytes) -> None:
    """The constants of Python, lone surrogates and broken text are refused as in any other text."""
    with pytest.raises(HttpError, match="Send valid JSON"):
        read_json(text, LIMITS, "The body")


@pytest.mark.parametrize("text", [b"[[[[]]]]", b'{"a": [{"b": {}}]}', b'[1, [2, {"a": []}], 3]'])
def test_deeper_json_is_refused(text: bytes) -> None:
    """The deepest branch counts."""
    with pytest.raises(HttpError, match=r"The body is malformed\. Send JSON of at most 3 levels\.") as error:
        read_json(text, LIMITS, "The body")
    assert error.value.status == 400


@pytest.mark.parametrize("text", [b"[%s]", b'{"a": {%s}}', b'"%s"'])
def test_json_of_many_elements_is_refused_before_it_is_parsed(text: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """One call of the parser cannot be divided: 200,000 names held the event loop for 80 ms."""
    parsed: list[int] = []
    monkeypatch.setattr(graphql_request, "_decoded", lambda given: parsed.append(len(given)))
    elements = sum(map(text.count, b",{["))
    most = text % (b"," * (100_000 - elements))
    assert read_json(most, RequestLimits(), "The body") is None
    with pytest.raises(HttpError, match="more than 100000 commas and opening brackets") as error:
        read_json(most + b",", RequestLimits(), "The body")
    assert (error.value.status, parsed) == (413, [len(most)])


@pytest.mark.parametrize("text", [b"", b"{", b"{'a': 1}", b'"\xff"', b"NaN", b"[" * 100_000])
def test_what_is_no_json_is_refused(text: bytes) -> None:
    """Broken text, another encoding and excessive nesting are refused without a crash."""
    with pytest.raises(HttpError, match=r"`variables` is malformed\. Send "):
        read_json(text, LIMITS, "`variables`")


async def test_others_run_while_long_json_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Long JSON waits for another task of the event loop, so the loop goes on meanwhile; its value is the same."""
    ran = threading.Event()

    def wait(text: bytes) -> object:
        assert ran.wait(30), "The event loop did not run the other task."
        return [len(text)]

    monkeypatch.setattr(graphql_request, "_decoded", wait)
    asyncio.get_running_loop().call_soon(ran.set)
    text = b" " * graphql_request.LONG_JSON + b"1"
    assert await graphql_request.read_json_in_turn(text, LIMITS, "The body") == [len(text)]


@pytest.mark.parametrize("charset", ["charset*=utf-8''utf-8", "charset*", "charset=latin-1"])
def test_a_charset_of_another_form_is_refused(charset: str) -> None:
    """The parser of the library returns a tuple for a value with a language, and None for one without a value."""
    assert not is_json(f"application/json; {charset}")


@pytest.mark.parametrize(("length", "accepted"), [(MAX_CONTENT_TYPE, True), (MAX_CONTENT_TYPE + 1, False)])
def test_a_long_content_type_is_refused(length: int, *, accepted: bool) -> None:
    """The parser of the library takes quadratic time: half a second for 28,000 characters."""
    assert is_json("application/json;".ljust(length, " ")) == accepted
