"""The report of the HTTP layer on one operation, for metrics and traces."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from graphql import GraphQLError

from policies.errors import CodedError

OK: Final = "OK"
"""The code of an operation without an error."""


@dataclass(slots=True)
class OperationReport:
    """One operation, or request with events, over HTTP: its name, code and seconds.

    - ``code`` is that of its first error, OK, or DISCONNECTED if the client left.
    - ``kind`` is its type, such as `query`; None if it was not executed.
    - ``errors`` are those of its result, each with the error that the response shows.
    - ``rows`` counts the edges and records that it read from the store or the cache, ``items`` the
      elements of lists in its response.
    - ``cuts`` names the limits of the server that ended its lineage queries.
    - ``is_partial``: a part of its lineage is hidden, and this is disclosed.
    - ``is_stale``: what background jobs compute, or the index that it used, lagged behind.
    """

    name: str | None = None
    kind: str | None = None
    code: str = OK
    seconds: float = 0.0
    errors: Sequence[tuple[GraphQLError, CodedError]] = ()
    rows: int = 0
    items: int = 0
    cuts: Collection[str] = ()
    is_partial: bool = False
    is_stale: bool = False
