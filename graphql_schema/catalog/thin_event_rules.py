"""The rules of thin events: the types of objects by kind of source, the limits of a queue, and when to try again."""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Final

from graphql_schema.catalog.instants import MAX_AHEAD_MS
from graphql_schema.catalog.urn import make_urn

OBJECT_TYPES: Final[Mapping[str, tuple[str, ...]]] = {
    "dbt": ("exposure", "metric", "model", "saved_query", "seed", "semantic_model", "snapshot", "source"),
    "feast": (
        "data_source",
        "entity",
        "feature_service",
        "feature_view",
        "on_demand_feature_view",
        "stream_feature_view",
    ),
    "mlflow": ("experiment", "logged_model", "model_version", "registered_model", "run"),
}
"""The types of objects that events of a source may name, by the `workflowKind` of the source."""

MAX_PENDING: Final = 10_000
"""Maximal number of pending events of one source."""

MAX_PER_MINUTE: Final = 6_000
"""Maximal number of events of one source that become pending within one minute."""

MINUTE_MS: Final = 60_000
"""Milliseconds of a minute."""

LEASE_MS: Final = 300_000
"""Milliseconds for which an event that a worker has taken is not due for another worker."""

MAX_ATTEMPTS: Final = 12
"""Number of failed attempts after which an event is dead."""

FIRST_PAUSE_MS: Final = 10_000
"""Upper bound in milliseconds of the pause after the first failure; it doubles with each further one."""

MAX_PAUSE_MS: Final = 3_600_000
"""Upper bound in milliseconds of the pause after any failure."""

LATEST_DUE_MS: Final = MAX_PAUSE_MS + MAX_AHEAD_MS
"""Milliseconds from now until the latest instant at which an event may be due, unless the clock was set back."""

_FRACTIONS: Final = 1 << 16


def source_urn(name: str) -> str:
    """Return the id of the workflow that represents a source; raises InvalidError if an id cannot have the name."""
    return make_urn("workflow", "ingest", "", name)


def is_due(instant: int, now: int) -> bool:
    """Return whether an event that is due at an instant may be taken.

    So is an event that is due later than a right clock can have set.
    """
    return not now < instant <= now + LATEST_DUE_MS


def retry_pause(event: str, attempts: int) -> int:
    """Return the milliseconds until the next attempt, after a number of failed ones.

    The pause is between half of its bound and the bound. Which part of it depends on the id of the event and on the
    number, so that events which failed together are not due together.
    """
    bound = min(MAX_PAUSE_MS, FIRST_PAUSE_MS << (attempts - 1))
    digest = blake2b(f"{event}\0{attempts}".encode(), digest_size=2).digest()
    return bound // 2 + bound // 2 * int.from_bytes(digest) // _FRACTIONS
