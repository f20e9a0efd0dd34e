"""What was written since a moment, so that a state that was read meanwhile can be read again in part."""

from app.graph.driver.gremlin_client import GremlinClient
from app.graph.records.touched import Touched


class WritesSince:
    """What transactions have touched since :meth:`begin`, or the last :meth:`take`, until :meth:`end`.

    It is a watch of the writes of a client (:class:`app.graph.driver.gremlin_client.WriteWatch`). The writes of other
    processes count when they are learned. A large transaction counts with its first part, and it is one: the
    parts have no edges, only ends of them.
    """

    def __init__(self) -> None:
        self._written: dict[int, Touched] = {}
        self._client: GremlinClient | None = None

    @property
    def has_begun(self) -> bool:
        """Whether writes are recorded."""
        return self._client is not None

    def begin(self, client: GremlinClient) -> None:
        """Begin to record; call it under the write lock, when no earlier transaction can be completed later.

        It goes on if it has begun.
        """
        if self._client is None:
            self._client = client
            client.write_watches.append(self)

    def end(self) -> None:
        """Record nothing further, and forget what was recorded."""
        if self._client is not None:
            self._client.write_watches.remove(self)
        self._client, self._written = None, {}

    def take(self) -> list[Touched] | None:
        """Return what was recorded, and forget it; None if it is unknown what was written.

        It is unknown if a transaction may have touched everything, and before the begin or after the end.
        """
        written, self._written = [*self._written.values()], {}
        is_known = self.has_begun and not any(touched.everything for touched in written)
        return written if is_known else None

    def begun(self, touched: Touched) -> None:
        """Record a transaction before it is sent."""
        self._record(touched)

    def ended(self, touched: Touched, *, certain: bool) -> None:  # noqa: ARG002 - of the protocol
        """Record a transaction at its end: what was read before may be older."""
        self._record(touched)

    def _record(self, touched: Touched) -> None:
        one = touched.divided or touched
        self._written[id(one)] = one
