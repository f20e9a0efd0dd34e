"""What decides whether a stored webhook is sent: allowed hosts, the age of its rights, and a readable secret."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from app.auth.sign_in.sealed_text import Sealer
from app.graph.records.clock import epoch_milliseconds
from app.graph.webhooks.stored_webhook import StoredWebhook
from app.webhooks.receiver_hosts import ReceiverHosts
from graphql_schema.catalog.instants import is_ahead
from graphql_schema.webhooks.webhook import WebhookState
from policies.errors import Code, CodedError
from policies.principal import Principal

RIGHTS_MS: Final = 24 * 3_600_000
"""Milliseconds for which a webhook has the rights of its owner's last call: the longest lifetime of a token."""

FORMER_MS: Final = 24 * 3_600_000
"""Milliseconds for which a secret signs after its rotation."""


class RightsEndedError(CodedError):
    """The rights of a webhook have ended."""

    code = Code.UNAUTHENTICATED


@dataclass(frozen=True, slots=True)
class WebhookRights:
    """The rules of the installation: ``hosts`` may receive, rights last ``rights_ms`` milliseconds.

    ``clock`` returns epoch milliseconds. Secrets are encrypted with a key that is derived from ``key``.
    """

    hosts: ReceiverHosts
    rights_ms: int
    key: bytes
    clock: Callable[[], int] = epoch_milliseconds
    _sealer: Sealer = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_sealer", Sealer([self.key], "webhook secret"))

    def until(self, webhook: StoredWebhook) -> int:
        """Return the instant at which the rights end, in epoch milliseconds.

        It is now if the last call is ahead of the clock, which was set back since.
        """
        now = self.clock()
        return now if is_ahead(webhook.rights_at, now) else webhook.rights_at + self.rights_ms

    def ended(self, webhook: StoredWebhook) -> StoredWebhook | None:
        """Return a webhook whose last call is ahead of the clock with rights that end now; None for any other.

        It is to be stored: otherwise the rights would begin again when the clock reaches that call.
        """
        now = self.clock()
        return replace(webhook, rights_at=now - self.rights_ms) if is_ahead(webhook.rights_at, now) else None

    def state_of(self, webhook: StoredWebhook) -> WebhookState:
        """Return the state of a webhook at present."""
        state = webhook.state
        if self.hosts.rule_for(webhook.url) is None:
            return WebhookState.OFF
        if state.disabled_at:
            return WebhookState.DISABLED
        if self.until(webhook) <= self.clock() or not self.secrets(webhook):
            return WebhookState.RIGHTS_ENDED
        return WebhookState.FAILING if state.failures else WebhookState.ACTIVE

    def principal(self, webhook: StoredWebhook) -> Principal:
        """Return the caller as which a webhook reads; raises RightsEndedError after the end of its rights."""
        if self.until(webhook) <= self.clock():
            raise RightsEndedError("The rights of the webhook have ended; its owner renews them by `updateWebhook`.")
        return webhook.owner

    def seal(self, secret: str) -> str:
        """Return a secret in the form in which it is stored."""
        return self._sealer.seal({"secret": secret})

    def secrets(self, webhook: StoredWebhook) -> list[str]:
        """Return the secrets that sign now, the newest first; none if they were encrypted with another key."""
        stored = [webhook.secret]
        now = self.clock()
        if webhook.former_secret and now < webhook.former_until and not is_ahead(webhook.former_until - FORMER_MS, now):
            stored.append(webhook.former_secret)
        opened = [self._sealer.open(each) for each in stored]
        return [] if opened[0] is None else [str(each["secret"]) for each in opened if each is not None]
