"""h11's parser of requests, without those whose end others may see at another byte, or that have too many small parts.

Two expressions of h11 take quadratic time for a malformed line with many spaces, 0.5 s for one of 16,000 characters.
This module replaces them in h11 by :data:`HEADER_LINE` and :data:`CHUNK_LINE`, which take linear time.
"""

import re
from http import HTTPStatus
from typing import Any, Final

import h11
from h11 import _abnf, _readers
from h11._receivebuffer import ReceiveBuffer, blank_line_regex

TINY: Final = 64
"""Bytes of data below which a chunk counts as tiny: the parser takes as long for it as for the longest one."""

MAX_TINY: Final = 4_096
"""Number of tiny chunks of a body: the parser takes 7 µs for each, also after the client has left."""

MAX_HEADERS: Final = 128
"""Number of lines with headers of a head, or with trailers; h11 parses all in one call, which takes 2 µs for each."""

_MAX_LINE_ENDS: Final = MAX_HEADERS + 2
"""Line ends of a head: the line of the request is before its headers, and an empty one after them."""

HEADER_LINE: Final = re.compile(_abnf.header_field.replace(_abnf.OWS, f"{_abnf.OWS}+").encode())
"""h11's expression of a header line or trailer, which gives no space back once it has matched it."""

CHUNK_LINE: Final = re.compile(_abnf.chunk_header.replace(_abnf.chunk_ext, r";[^\r\n]*+").encode())
"""h11's expression of the line before a chunk, with an extension that has no line break and gives nothing back."""

_readers.header_field_re, _readers.chunk_header_re = HEADER_LINE, CHUNK_LINE


class UnambiguousRequests(h11.Connection):
    """Refuses requests whose end a proxy in front of this server may see at another byte.

    It also refuses a body with more than MAX_TINY chunks that have less than TINY bytes each. A head, or trailers, with
    more than MAX_HEADERS lines are refused before they are parsed.

    ``refused`` is the error of the last malformed request. ``body_left`` is the number of bytes that are missing of a
    body with ``Content-Length``; it is 0 for other bodies. ``is_head`` states whether the response has no body.
    """

    refused: h11.RemoteProtocolError | None = None
    body_left: int = 0
    is_head: bool = False
    _is_chunked: bool = False
    _chunk: int = 0
    """Bytes of the current chunk so far."""
    _tiny: int = 0

    def __init__(self, our_role: type[h11.SERVER]) -> None:
        super().__init__(our_role)
        self._receive_buffer = _FewLines()

    def start_next_cycle(self) -> None:
        """Prepare for the next request of the connection."""
        super().start_next_cycle()
        self.is_head = False

    def next_event(self) -> Any:  # noqa: ANN401 - the union of h11's events has no public name
        """Return the next event; raises RemoteProtocolError for a request that h11 or this class refuses."""
        try:
            event = super().next_event()
            if isinstance(event, h11.Request):
                self.is_head = event.method == b"HEAD"
                _refuse_two_lengths(event)
                headers = dict(event.headers)
                self.body_left = int(headers.get(b"content-length", 0))
                self._is_chunked, self._tiny = b"transfer-encoding" in headers, 0
            elif isinstance(event, h11.Data):
                self.body_left = max(0, self.body_left - len(event.data))
                self._count_tiny(event)
        except h11.RemoteProtocolError as error:
            self.refused = error
            raise error.with_traceback(None)  # noqa: B904 - h11 leaves a cycle of this error and its traceback
        return event

    def _count_tiny(self, data: h11.Data) -> None:
        self._chunk = len(data.data) + (0 if data.chunk_start else self._chunk)
        self._tiny += self._is_chunked and data.chunk_end and self._chunk < TINY
        if self._tiny > MAX_TINY:
            message = f"the body has more than {MAX_TINY} chunks of less than {TINY} bytes; send fewer, longer ones"
            raise h11.RemoteProtocolError(message, error_status_hint=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)


class _FewLines(ReceiveBuffer):
    """h11's buffer of received bytes; refuses a head or trailers with more than MAX_HEADERS lines.

    h11 reads both by `maybe_extract_lines`, again after each part that arrives, until they are complete.
    """

    _counted: int = 0
    """Bytes at the start of the buffer that need not be counted again."""
    _line_ends: int = 0
    """Line ends in these bytes, which may have the lines of a body or of a later request, too."""

    def maybe_extract_lines(self) -> list[bytearray] | None:
        """Return the lines before the first empty one, or None if it is missing; raises LocalProtocolError."""
        self._line_ends += self._data.count(b"\n", self._counted)
        self._counted = len(self._data)
        if self._line_ends > _MAX_LINE_ENDS and not self._data.startswith((b"\n", b"\r\n")):
            end = blank_line_regex.search(self._data, self._multiple_lines_search)
            if end is None or self._data.count(b"\n", 0, end.end()) > _MAX_LINE_ENDS:
                message = f"it has more than {MAX_HEADERS} lines of headers or trailers; send fewer"
                raise h11.LocalProtocolError(message, error_status_hint=HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        return super().maybe_extract_lines()

    def _extract(self, count: int) -> bytearray:
        self._counted = self._line_ends = 0
        return super()._extract(count)


def _refuse_two_lengths(request: h11.Request) -> None:
    names = {name for name, _ in request.headers}
    if b"transfer-encoding" in names and (b"content-length" in names or request.http_version < b"1.1"):
        raise h11.RemoteProtocolError("Transfer-Encoding with Content-Length, or in HTTP/1.0")
