"""A webhook as stored: its registration, and the state of its deliveries.

Both are JSON in properties of a vertex ``Webhook`` without index entry, so that no read of the API returns it. An edge
``WEBHOOK`` leads to it from one well-known vertex. Its property ``record`` is the registration, ``note`` the state.
"""

from dataclasses import asdict, dataclass, field, fields, replace
from typing import Final, Self

import orjson

from app.graph.records.stored_principal import principal_of, stored_principal
from app.graph.records.vertex_id import internal_vertex_id
from graphql_schema.ports.record import JsonObject
from policies.principal import Principal

WEBHOOK_ROOT: Final = internal_vertex_id("webhooks", "top")
"""Vertex id from which all webhooks are reached."""


@dataclass(frozen=True, slots=True)
class DeliveryState:
    """How far the deliveries of a webhook came; instants are in epoch milliseconds, 0 for none.

    ``cursor`` is that of the last change that the receiver accepted, or of the begin. ``passed`` is that of later
    changes, of which the owner may see none; empty without them. It is not shown, because it discloses that these were
    written. ``failures`` counts the failed attempts since the last accepted change, ``failing_since`` is the instant of
    the first, ``error`` the reason of the last one, empty for none.
    """

    cursor: str
    delivered_at: int = 0
    failures: int = 0
    failing_since: int = 0
    next_at: int = 0
    error: str = ""
    disabled_at: int = 0
    passed: str = ""

    @property
    def position(self) -> str:
        """The cursor of the change after which the next one is read."""
        return self.passed or self.cursor

    def delivered(self, cursor: str, now: int) -> Self:
        """Return the state after a delivery."""
        return type(self)(cursor, now)

    def resumed(self, cursor: str | None) -> Self:
        """Return the state after a call of the owner: without failures, after another change if ``cursor`` is given."""
        if cursor:
            return type(self)(cursor, self.delivered_at)
        return type(self)(self.cursor, self.delivered_at, passed=self.passed)


@dataclass(frozen=True, slots=True)
class StoredWebhook:
    """A webhook of ``owner``, a vertex with the id ``x``; instants are in epoch milliseconds.

    ``filter`` has the variables of the filter; empty for none. ``rights_at`` is when the owner last called. ``secret``
    and ``former_secret`` are encrypted; the former one signs until ``former_until``. ``replays`` counts how often the
    owner has set the cursor. ``text`` is the registration as it is in the store, empty for one that was not stored yet.
    """

    x: int
    owner: Principal
    name: str
    url: str
    filter: JsonObject
    created_at: int
    rights_at: int
    secret: str
    state: DeliveryState
    former_secret: str = ""
    former_until: int = 0
    replays: int = 0
    text: str = field(default="", compare=False)

    def record(self) -> str:
        """Return the registration as JSON text."""
        values = {name: getattr(self, name) for name in _VALUES}
        owner = {"tenant": self.owner.tenant, "owner": stored_principal(self.owner)}
        return orjson.dumps({**owner, **values}).decode()

    def state_text(self) -> str:
        """Return the state as JSON text."""
        stored = {name: value for name, value in asdict(self.state).items() if value or name != "passed"}
        return orjson.dumps(stored).decode()

    def with_state(self, state: DeliveryState) -> "StoredWebhook":
        """Return the webhook with another state."""
        return replace(self, state=state)

    def continues(self, former: "StoredWebhook") -> bool:
        """Return whether this is a later state of the same registration, and the owner has not set the cursor since.

        A webhook that was removed and registered again has its vertex id and its name, and another begin.
        """
        return (self.created_at, self.replays) == (former.created_at, former.replays)

    @property
    def of(self) -> tuple[str, str]:
        """Tenant and subject of the owner."""
        return self.owner.tenant, self.owner.subject


_VALUES: Final = (
    "name",
    "url",
    "filter",
    "created_at",
    "rights_at",
    "secret",
    "former_secret",
    "former_until",
    "replays",
)


def webhook_from_row(row: JsonObject) -> StoredWebhook:
    """Return the webhook of a row ``{x, record, note}`` of the store."""
    stored = orjson.loads(row["record"])
    owner = principal_of(stored["tenant"], stored["owner"])
    values = {name: stored[name] for name in _VALUES}
    return StoredWebhook(row["x"], owner, state=state_from_text(row["note"]), text=row["record"], **values)


def state_from_text(text: str) -> DeliveryState:
    """Return the state of a JSON text; values of a later release are passed over."""
    known = {each.name for each in fields(DeliveryState)}
    return DeliveryState(**{name: value for name, value in orjson.loads(text).items() if name in known})
