"""The registry of webhooks of one caller, and what a caller wants of a webhook."""

from dataclasses import dataclass
from typing import Protocol

from graphql_schema.ports.outcomes import MutationErrorCode
from graphql_schema.ports.record import JsonObject
from policies.errors import InvalidError


@dataclass(frozen=True, slots=True)
class WebhookOrder:
    """What a call sets of the webhook ``name``; None keeps the stored value.

    ``filter`` has the variables of the filter of `subscription changes`; an empty object is no filter. ``cursor`` is
    that of the change after which deliveries continue. ``rotates``, a flag: a new secret is made. ``dry``, a flag:
    nothing is written, and no secret is made.
    """

    name: str
    url: str | None = None
    filter: JsonObject | None = None
    cursor: str | None = None
    rotates: bool = False
    dry: bool = False


@dataclass(frozen=True, slots=True)
class WebhookResult:
    """A webhook as its owner may see it, and its new secret, None if no secret was made.

    ``removed`` has the name and the owner of an abandoned webhook whose place it took, None if it took none.
    """

    webhook: JsonObject
    secret: str | None = None
    removed: tuple[str, str] | None = None


class WebhookRefusedError(InvalidError):
    """A webhook is not registered, changed or removed; ``path`` is the field of the input at fault, empty for none."""

    def __init__(self, reason: MutationErrorCode, message: str, path: str = "") -> None:
        super().__init__(message)
        self.reason = reason
        self.path = path


class WebhookRegistry(Protocol):
    """The webhooks that one caller owns. Methods raise the CodedError of the store, and WebhookRefusedError."""

    async def owned(self) -> list[JsonObject]:
        """Return the webhooks of the caller, ordered by name."""
        ...

    async def register(self, order: WebhookOrder) -> WebhookResult:
        """Store a new webhook, with the rights of the caller; refuses a name that the caller uses already.

        It takes the place of an abandoned one if the tenant has as many as it may.
        """
        ...

    async def update(self, order: WebhookOrder) -> WebhookResult:
        """Change a webhook, renew its rights, and end its failures; refuses an unknown name."""
        ...

    async def remove(self, name: str, *, dry: bool) -> None:
        """Delete a webhook, unless ``dry`` is set; refuses an unknown name."""
        ...
