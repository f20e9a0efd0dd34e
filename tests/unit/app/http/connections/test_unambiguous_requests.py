"""The parser of requests: which are refused, what is missing of a body, and whether the response has one."""

import re
from collections.abc import Iterator
from itertools import product
from unittest.mock import patch

import h11
import pytest
from h11 import _abnf, _readers

from app.http.connections import unambiguous_requests
from app.http.connections.unambiguous_requests import (
    CHUNK_LINE,
    HEADER_LINE,
    MAX_HEADERS,
    MAX_TINY,
    TINY,
    UnambiguousRequests,
)

END = b"\r\nHost: a\r\n\r\n"


def requests(data: bytes) -> UnambiguousRequests:
    """Return the parser of a connection on which a client has sent some bytes."""
    parser = UnambiguousRequests(h11.SERVER)
    if data:
        parser.receive_data(data)
    return parser


@pytest.mark.parametrize(
    "head",
    [
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
)
def test_a_request_with_two_ends_is_refused(head: bytes) -> None:
    """A proxy may use the other one of both, and take the rest of the body for the next request."""
    parser = requests(head)
    with pytest.raises(h11.RemoteProtocolError) as raised:
        parser.next_event()
    assert parser.refused is raised.value


def test_the_rest_of_a_body_is_counted() -> None:
    """It begins with the length that the head has, and falls with each byte of the body."""
    parser = requests(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab")
    parser.next_event()
    assert parser.body_left == 5
    assert bytes(parser.next_event().data) == b"ab"
    assert parser.body_left == 3


@pytest.mark.parametrize(("size", "count"), [(TINY, MAX_TINY + 1), (1, MAX_TINY), (1, MAX_TINY + 1)])
def test_a_body_in_many_tiny_chunks_is_refused(size: int, count: int) -> None:
    """Each takes as long as a long one; another request of the connection may have as many."""
    head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    parser = requests(head + b"%x\r\n%s\r\n" % (size, b"a" * size) * count + b"0\r\n\r\n" + head)
    parser.next_event()
    if size < TINY and count > MAX_TINY:
        with pytest.raises(h11.RemoteProtocolError) as raised:
            [parser.next_event() for _ in range(count)]
        assert raised.value.error_status_hint == 413
        return
    assert sum(len(parser.next_event().data) for _ in range(count)) == size * count
    assert isinstance(parser.next_event(), h11.EndOfMessage)


def test_a_tiny_chunk_in_two_parts_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """What counts is its length, wherever the system divides what a client sent; the parts of a long one do not."""
    monkeypatch.setattr(unambiguous_requests, "MAX_TINY", 1)
    parser = requests(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
    parser.next_event()

    def receive(*parts: bytes) -> list[int]:
        sizes = []
        for part in parts:
            parser.receive_data(part)
            while isinstance(event := parser.next_event(), h11.Data):
                sizes.append(len(event.data))
        return sizes

    assert receive(b"40\r\n" + b"a" * 10, b"a" * 54 + b"\r\n") == [10, 54]
    assert receive(b"2\r\na", b"a\r\n") == [1, 1]
    with pytest.raises(h11.RemoteProtocolError):
        receive(b"2\r\na", b"a\r\n")


START = b"POST / HTTP/1.1\r\nHost: a\r\n"
TRAILERS = START + b"Transfer-Encoding: chunked\r\n\r\n0\r\n"
LINES = b"a:\r\n" * (MAX_HEADERS - 2)


def complete_requests(parser: UnambiguousRequests, sent: bytes, size: int) -> Iterator[bool]:
    """Yield True for each complete request of what arrives in parts of a size, after a response to it."""
    for at in range(0, len(sent), size):
        parser.receive_data(sent[at : at + size])
        while (event := parser.next_event()) is not h11.NEED_DATA:
            if isinstance(event, h11.EndOfMessage):
                parser.send(h11.Response(status_code=204, headers=[]))
                parser.send(h11.EndOfMessage())
                parser.start_next_cycle()
                yield True


@pytest.mark.parametrize("line", [b"a:\r\n", b"a:\n", b"a:\r\n a\r\n"])
@pytest.mark.parametrize("end", [b"", b"\r\n"])
@pytest.mark.parametrize("size", [1, 7, 16_384])
@pytest.mark.parametrize("start", [START, TRAILERS])
def test_many_lines_are_refused_before_they_are_parsed(start: bytes, size: int, end: bytes, line: bytes) -> None:
    """A head or trailers with too many lines get 431, in whichever parts they arrive, and also without their end."""
    parser = requests(start)
    parser.next_event()
    with (
        patch.object(_readers, "_decode_header_lines", side_effect=AssertionError),
        pytest.raises(h11.RemoteProtocolError, match=f"more than {MAX_HEADERS} lines") as raised,
    ):
        any(complete_requests(parser, line * 4_000 + end, size))
    assert raised.value.error_status_hint == 431
    assert parser.refused is raised.value
    kept = parser.trailing_data[0]
    assert kept.count(b"\n") <= MAX_HEADERS + 3 + size, "what is refused is kept"


@pytest.mark.parametrize("size", [1, 100, 100_000])
def test_lines_count_for_one_head(size: int) -> None:
    """As many as are allowed are read, and those of a body or of the next request do not count among them."""
    accepted = (
        START + b"Content-Length: 1000\r\n" + LINES + b"\r\n" + b"\n" * 1_000,
        TRAILERS + LINES + b"a:\r\n" * 2 + b"\r\n",
        START + b"a:\r\n" + LINES + b"\r\n",
        TRAILERS + b"\r\n",
    )
    parser, complete = requests(b""), list[bool]()
    with pytest.raises(h11.RemoteProtocolError) as raised:
        complete.extend(complete_requests(parser, b"".join(accepted) + START + b"a:\r\n" * 2 + LINES + b"\r\n", size))
    assert raised.value.error_status_hint == 431
    assert len(complete) == len(accepted)


def test_a_response_to_head_has_no_body() -> None:
    """The next request of the connection has one again, also before its head is complete."""
    parser = requests(b"HEAD / HTTP/1.1" + END + b"GET / HTTP/1.1" + END)
    parser.next_event()
    assert parser.is_head
    parser.next_event()
    for event in (h11.Response(status_code=200, headers=[]), h11.EndOfMessage()):
        parser.send(event)
    parser.start_next_cycle()
    assert not parser.is_head
    parser.next_event()
    assert not parser.is_head


SPACES = b" \t" * 150_000


@pytest.mark.parametrize(
    "malformed",
    [
        b"GET / HTTP/1.1\r\nHost: a\r\na:%s\0" % SPACES + END,
        b"GET / HTTP/1.1\r\nHost: a\r\na:" + b" " * 100 + b"\r\n\t".join([b" " * 3_000] * 100) + b"\x0b" + END,
        b"GET / HTTP/1.1\r\nHost: a\r\na:b%sb\0" % SPACES + END,
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\na:%s\x0b\r\n\r\n" % SPACES,
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;%s\n\r\n" % SPACES,
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1%s\n\r\n" % SPACES,
    ],
    ids=["header", "folded header", "spaces in a value", "trailer", "chunk extension", "chunk size"],
)
@pytest.mark.timeout(60)
def test_a_malformed_line_takes_linear_time(malformed: bytes) -> None:
    """300,000 spaces before the error take a few milliseconds; in quadratic time they would take two minutes."""
    parser = requests(malformed)
    with pytest.raises(h11.RemoteProtocolError):
        [parser.next_event() for _ in range(3)]
    assert parser.refused is not None


@pytest.mark.parametrize(
    ("ours", "original", "alphabet"),
    [(HEADER_LINE, _abnf.header_field, "a: \t\v\0;"), (CHUNK_LINE, _abnf.chunk_header, "1g; \t\n\v")],
    ids=["header", "chunk"],
)
def test_the_lines_that_are_accepted_are_those_of_h11(ours: re.Pattern[bytes], original: str, alphabet: str) -> None:
    """All short texts give the same values, also after an update of h11. Its own expressions are the oracle."""
    theirs = re.compile(original.encode())
    end = b"\r\n" if ours is CHUNK_LINE else b""
    accepted = 0
    for size in range(1, 7):
        for text in product(alphabet.encode(), repeat=size):
            line = bytes(text) + end
            found, expected = ours.fullmatch(line), theirs.fullmatch(line)
            assert (found and found.groupdict()) == (expected and expected.groupdict()), line
            accepted += found is not None
    assert accepted > 100
    assert ours.pattern.decode() != original
