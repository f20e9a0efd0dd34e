"""The parser of requests: which are refused, what is missing of a body, and whether the response has one."""

import h11
import pytest

from app.http.connections import unambiguous_requests
from app.http.connections.unambiguous_requests import MAX_TINY, TINY, UnambiguousRequests

END = b"\r\nHost: a\r\n\r\n"


def requests(data: bytes) -> UnambiguousRequests:
    """Return the parser of a connection on which a client has sent some bytes."""
    parser = UnambiguousRequests(h11.SERVER)
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
