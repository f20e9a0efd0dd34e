"""h11's parser of requests, without those whose end others may see at another byte."""

from typing import Any

import h11


class UnambiguousRequests(h11.Connection):
    """Refuses requests whose end a proxy in front of this server may see at another byte.

    ``refused`` is the error of the last malformed request. ``body_left`` is the number of bytes that are missing of a
    body with ``Content-Length``; it is 0 for other bodies. ``is_head`` states whether the response has no body.
    """

    refused: h11.RemoteProtocolError | None = None
    body_left: int = 0
    is_head: bool = False

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
                self.body_left = next((int(value) for name, value in event.headers if name == b"content-length"), 0)
            elif isinstance(event, h11.Data):
                self.body_left = max(0, self.body_left - len(event.data))
        except h11.RemoteProtocolError as error:
            self.refused = error
            raise
        return event


def _refuse_two_lengths(request: h11.Request) -> None:
    names = {name for name, _ in request.headers}
    if b"transfer-encoding" in names and (b"content-length" in names or request.http_version < b"1.1"):
        raise h11.RemoteProtocolError("Transfer-Encoding with Content-Length, or in HTTP/1.0")
