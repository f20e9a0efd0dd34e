"""The policy: rules and labels, loaded and validated once, and the entry to decisions for a caller.

Start reading here. ``*.cedar`` contains the rules and ``labels.toml`` the label of each field; see docs/policy.md.
"""

import time
from collections.abc import Callable
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Final

from policies.access import Access
from policies.cedar.engine import Engine
from policies.cedar.rows import EMPTY_CALLER, condition
from policies.errors import ConfigurationError
from policies.governed import Governed
from policies.labels import load_labels
from policies.masks import governed_types
from policies.policy_file import read_text
from policies.principal import Principal
from policies.vocabulary import Label, Labels, RowAction, WriteAction, actions

SHIPPED = Path(__file__).parent
"""The folder with the rules that the program ships with."""

ACCESS_SECONDS = 60.0
"""Maximum number of seconds for which an `Access` is reused; later it is dropped with its caches of up to 45 MB."""

_DROPPED: Final = 2
"""Maximum number of cached `Access` objects that are dropped for a new one; a full one is freed in 15 ms."""

MAX_ACCESSES = 1_024
"""Maximum number of cached `Access` objects; above it, the oldest is dropped."""


class Policy:
    """Validated rules (``text`` in Cedar) and labels. Immutable, apart from the cache of `Access` objects.

    ``version`` is a digest of rules and labels. ``clock`` returns monotonic seconds. Raises `ConfigurationError` if a
    rule is invalid, forbids a non-null field without its row, or concerns rows or fields and cannot be compiled.
    """

    def __init__(
        self, text: str, labels: Labels, governed: Governed, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.version = _digest(text, labels)
        self.labels = labels
        self.engine = Engine(text, labels)
        self._refuse_uncompilable()
        self._refuse_ineffective_forbids(governed)
        self._types = governed_types(labels, self.engine.rules, governed)
        self._clock = clock
        self._accesses: dict[tuple[object, ...], tuple[float, Access]] = {}

    @classmethod
    def load(
        cls,
        folder: Path | None,
        governed: Governed,
        clock: Callable[[], float] = time.monotonic,
    ) -> "Policy":
        """Return the policy in the files ``*.cedar`` and ``labels.toml`` of ``folder``; None is the folder `SHIPPED`.

        Raises `ConfigurationError` if ``folder`` has no rules, or if rules or labels cannot be read or are invalid.
        """
        source = folder or SHIPPED
        files = sorted(source.glob("*.cedar"))
        if not files:
            raise ConfigurationError(
                f"{source} has no *.cedar file, so every request would be denied. Name the folder with the rules."
            )
        text = "\n".join(map(read_text, files))
        return cls(text, load_labels(source / "labels.toml", governed), governed, clock)

    def access(self, principal: Principal) -> Access:
        """Return the rights of a caller; an object may be reused for equal fingerprints within `ACCESS_SECONDS`."""
        fingerprint, now = principal.fingerprint, self._clock()
        expires, cached = self._accesses.get(fingerprint, (now, None))
        if cached is not None and now < expires:
            return cached
        self._accesses.pop(fingerprint, None)
        for oldest in [*islice(self._accesses, _DROPPED)]:
            if len(self._accesses) >= MAX_ACCESSES or self._accesses[oldest][0] <= now:
                del self._accesses[oldest]
        access = Access(self.engine, self._types, principal)
        self._accesses[fingerprint] = (now + ACCESS_SECONDS, access)
        return access

    def _refuse_uncompilable(self) -> None:
        """Raise `ConfigurationError` for a rule about rows or fields that cannot be compiled to a predicate."""
        rules = {
            rule
            for action, group in actions(self.labels)
            if action not in [*WriteAction]
            for rule in self.engine.rules.matching(action, group)
        }
        for rule in rules:
            condition(rule, EMPTY_CALLER)

    def _refuse_ineffective_forbids(self, governed: Governed) -> None:
        """Raise `ConfigurationError` for a rule that forbids a non-null field and not its row.

        Such a field is shown with its row whatever the rules say, so the rule would have no effect.
        """
        for coordinate in sorted(governed.fixed):
            forbids = self.engine.rules.matching(coordinate, Label.PUBLIC).forbids
            ineffective = next((rule for rule in forbids if not rule.matches(RowAction.DISCOVER, None)), None)
            if ineffective:
                raise ConfigurationError(
                    f"Policy {ineffective.id} forbids {coordinate}, which is non-null and shown with its row. "
                    "Forbid to discover the row, or forbid nullable fields only."
                )


def _digest(text: str, labels: Labels) -> str:
    lines = [f"{name}.{field}={label}" for name, fields in labels.items() for field, label in fields.items()]
    return sha256("\n".join([text, *lines]).encode()).hexdigest()[:16]
