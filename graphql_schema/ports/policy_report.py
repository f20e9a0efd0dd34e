"""Report of the fields, ids and writes that the policy hid, logged or denied in one operation."""

from collections import Counter
from dataclasses import dataclass, field

from graphql_schema.ports.record import JsonObject
from policies.decision import Denial
from policies.errors import DeniedError

MAX_REPORTED_FIELDS = 50
"""Maximal number of hidden coordinates that one response lists."""

MAX_REFUSED = 2_000
"""Maximal number of different denied writes of an operation that are kept with their ids and reasons."""


@dataclass(slots=True)
class PolicyReport:
    """Collects the effects of the policy in one operation, for ``extensions.authorization`` and for the access log.

    - ``strict``: a hidden field is an error instead of null (``Prefer: policy=strict``).
    - ``hidden``: count of hidden values by coordinate, such as ``ModelVersion.params``.
    - ``why``: the least denial of each coordinate in ``hidden``, because the order in which values are read varies.
    - ``reads``: by coordinate of a restricted or secret field, the ids of the assets and edges of which it was read.
    - ``absent``: ids that were read, or named by a write, and whose records the policy hides.
    - ``refused``: count of denied writes by (action, id, reasons); (scope, "", reasons) if the token lacks the scope.
      Those beyond MAX_REFUSED different ones are counted by (action, "", ()).
    - ``webhooks``: changes of webhooks as (action, name, owner).
    - ``mismatches``: number of records that the index returned and that are hidden from the caller, a defect.
    """

    policy_version: str
    strict: bool = False
    hidden: Counter[str] = field(default_factory=Counter)
    why: dict[str, Denial] = field(default_factory=dict)
    reads: dict[str, dict[str, None]] = field(default_factory=dict)
    absent: dict[str, None] = field(default_factory=dict)
    refused: Counter[tuple[str, str, tuple[str, ...]]] = field(default_factory=Counter)
    webhooks: list[tuple[str, str, str]] = field(default_factory=list)
    mismatches: int = 0

    def report_hidden(self, coordinate: str, denial: Denial) -> None:
        """Count one hidden value; raises DeniedError if ``strict`` is set."""
        self.hidden[coordinate] += 1
        self._explain(coordinate, denial)
        if self.strict:
            raise DeniedError(
                f"{coordinate} is hidden from you here; omit the field. `policies` and `needs` name why it is hidden.",
                coordinate=coordinate,
                policies=list(denial.policies),
                needs=list(denial.needs),
            )

    def _explain(self, coordinate: str, denial: Denial) -> None:
        """Keep a denial if it is the least of its coordinate."""
        known = self.why.setdefault(coordinate, denial)
        if known is not denial and denial < known:
            self.why[coordinate] = denial

    def report_read(self, coordinate: str, urn: str) -> None:
        """Record that a restricted or secret field of an asset or edge was read."""
        self.reads.setdefault(coordinate, {})[urn] = None

    def report_refused(self, action: str, urn: str, reason: str) -> None:
        """Count a denied write. An operation can repeat its items under many aliases, so equal ones are one entry."""
        self._count_refused((action, urn, (reason,)), 1)

    def _count_refused(self, denied: tuple[str, str, tuple[str, ...]], count: int) -> None:
        is_kept = denied in self.refused or len(self.refused) < MAX_REFUSED
        self.refused[denied if is_kept else (denied[0], "", ())] += count

    def add(self, other: "PolicyReport") -> None:
        """Add the entries of a report on work that this operation shares with others."""
        self.hidden.update(other.hidden)
        for coordinate, denial in other.why.items():
            self._explain(coordinate, denial)
        for coordinate, urns in other.reads.items():
            self.reads.setdefault(coordinate, {}).update(urns)
        self.absent.update(other.absent)
        for denied, count in other.refused.items():
            self._count_refused(denied, count)
        self.webhooks += other.webhooks
        self.mismatches += other.mismatches

    def clear(self) -> None:
        """Remove all entries."""
        self.hidden.clear()
        self.why.clear()
        self.reads.clear()
        self.absent.clear()
        self.refused.clear()
        self.webhooks.clear()
        self.mismatches = 0

    def extensions(self) -> JsonObject:
        """Return ``{"authorization": …}`` for the extensions of the response; an empty object if nothing was hidden.

        It lists the hidden coordinates in alphabetical order, at most MAX_REPORTED_FIELDS; ``more`` counts the others.
        """
        if not self.hidden:
            return {}
        shown = sorted(self.hidden)[:MAX_REPORTED_FIELDS]
        hidden = [
            {
                "coordinate": name,
                "count": self.hidden[name],
                "policies": list(self.why[name].policies),
                "needs": list(self.why[name].needs),
            }
            for name in shown
        ]
        more = {"more": len(self.hidden) - len(shown)} if len(self.hidden) > len(shown) else {}
        return {"authorization": {"policyVersion": self.policy_version, "hidden": hidden, **more}}
