"""The policy: rules and labels loaded and validated once, asked through one caller's :class:`~policies.access.Access`.

Start reading here. ``*.cedar`` holds the rules, ``labels.toml`` the label of each field; ``docs/policy.md`` explains.
"""

import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from policies.access import Access
from policies.attributes import PolicyAttributes
from policies.decision import Decision, FieldMask, Grade
from policies.engine import Engine
from policies.errors import ConfigurationError
from policies.governed import Governed
from policies.labels import load_labels
from policies.masks import governed_types
from policies.predicate import Predicate
from policies.principal import Principal
from policies.rows import SOMEBODY, condition
from policies.vocabulary import Label, Labels, RowAction, WriteAction, actions

SHIPPED = Path(__file__).parent
"""The folder of the rules that come with the product."""

ACCESS_SECONDS = 60.0
"""How long a caller's compiled rules and remembered answers are used."""

ACCESS_LIMIT = 1_024
"""How many callers' are kept."""


class Policy:
    """Validated rules and labels. Immutable, except that it remembers callers; a changed policy is another object.

    ``version`` is a digest of the rules and the labels: the same text, the same answers.
    """

    def __init__(
        self, text: str, labels: Labels, governed: Governed, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.version = _digest(text, labels)
        self.labels = labels
        self.engine = Engine(text, labels)
        self._refuse_uncompilable()
        self._refuse_vain_forbids(governed)
        self._types = governed_types(labels, self.engine.rules, governed)
        self._clock = clock
        self._known: dict[tuple[object, ...], tuple[float, Access]] = {}

    @classmethod
    def load(
        cls,
        folder: Path | None,
        governed: Governed,
        clock: Callable[[], float] = time.monotonic,
    ) -> "Policy":
        """Read ``*.cedar`` and ``labels.toml`` of a folder, or of the product when it is None.

        Raises :class:`~policies.errors.ConfigurationError` that names the policy or the field and what to do about it.
        """
        source = folder or SHIPPED
        files = sorted(source.glob("*.cedar"))
        if not files:
            raise ConfigurationError(f"{source} holds no *.cedar file, so nobody could see anything. Name the folder.")
        text = "\n".join(file.read_text() for file in files)
        return cls(text, load_labels(source / "labels.toml", governed), governed, clock)

    def access(self, principal: Principal) -> Access:
        """Give the caller's view; the same one for equal fingerprints within :data:`ACCESS_SECONDS`."""
        fingerprint, now = principal.fingerprint, self._clock()
        expires, known = self._known.get(fingerprint, (now, None))
        if known is not None and now < expires:
            return known
        self._known.pop(fingerprint, None)
        if len(self._known) >= ACCESS_LIMIT:
            del self._known[next(iter(self._known))]
        access = Access(self.engine, self._types, principal)
        self._known[fingerprint] = (now + ACCESS_SECONDS, access)
        return access

    def grade(self, principal: Principal, attributes: PolicyAttributes) -> Grade:
        """Say how much of a row a caller sees; see :meth:`Access.grade`."""
        return self.access(principal).grade(attributes)

    def rows(self, principal: Principal, action: RowAction = RowAction.DISCOVER) -> Predicate:
        """Say which rows a caller may discover or read; see :meth:`Access.rows`."""
        return self.access(principal).rows(action)

    def hidden(self, principal: Principal, type_name: str, attributes: PolicyAttributes) -> FieldMask:
        """Say which fields a caller may not see, and why; see :meth:`Access.hidden`."""
        return self.access(principal).hidden(type_name, attributes)

    def may(self, principal: Principal, action: str, attributes: PolicyAttributes) -> Decision:
        """Decide a write; see :meth:`Access.may`."""
        return self.access(principal).may(action, attributes)

    def _refuse_uncompilable(self) -> None:
        """Compile every rule that rows or fields are decided by, as nobody in particular."""
        compiled = {
            rule
            for action, group in actions(self.labels)
            if action not in [*WriteAction]
            for rule in self.engine.rules.matching(action, group)
        }
        for rule in compiled:
            condition(rule, SOMEBODY)

    def _refuse_vain_forbids(self, governed: Governed) -> None:
        """A field that can never be null is shown with its row, whatever a rule says: say so before it is relied on."""
        for coordinate in sorted(governed.fixed):
            forbids = self.engine.rules.matching(coordinate, Label.PUBLIC).forbids
            vain = next((rule for rule in forbids if not rule.matches(RowAction.DISCOVER, None)), None)
            if vain:
                raise ConfigurationError(
                    f"Policy {vain.id} forbids {coordinate}, which can never be null and comes with its row: "
                    "forbid to discover the row, or name the fields that can be hidden."
                )


def _digest(text: str, labels: Labels) -> str:
    lines = [f"{name}.{field}={label}" for name, fields in labels.items() for field, label in fields.items()]
    return sha256("\n".join([text, *lines]).encode()).hexdigest()[:16]
