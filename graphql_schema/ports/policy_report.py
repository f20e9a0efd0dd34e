"""Report of what the policy hid or logged in one operation."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from policies.decision import Denial
from policies.errors import DeniedError

MAX_REPORTED_FIELDS = 50
"""Hidden coordinates that one answer lists."""


@dataclass(slots=True)
class PolicyReport:
    """What the policy did during one operation: for ``extensions.authorization``, and for the access log.

    ``strict`` callers get an error where a field is hidden, not null (``Prefer: policy=strict``). ``hidden`` counts by
    coordinate such as ``ModelVersion.params``; ``reads`` holds the ids whose restricted or secret fields were read,
    ``absent`` those that were asked for by id and are hidden, ``refused`` the writes that were denied: action, id and
    the sentences that say why.
    """

    policy_version: str
    strict: bool = False
    hidden: Counter[str] = field(default_factory=Counter)
    why: dict[str, Denial] = field(default_factory=dict)
    reads: dict[str, dict[str, None]] = field(default_factory=dict)
    absent: dict[str, None] = field(default_factory=dict)
    refused: list[tuple[str, str, tuple[str, ...]]] = field(default_factory=list)

    def report_hidden(self, coordinate: str, denial: Denial) -> None:
        """Count one hidden value; raises DeniedError for strict callers."""
        self.hidden[coordinate] += 1
        self.why.setdefault(coordinate, denial)
        if self.strict:
            raise DeniedError(
                f"{coordinate} is hidden from you here; leave it out, or ask whom `ownerTeam` names for access.",
                coordinate=coordinate,
                policies=list(denial.policies),
                needs=list(denial.needs),
            )

    def report_read(self, coordinate: str, urn: str) -> None:
        """Remember that a restricted or secret field of an asset was read."""
        self.reads.setdefault(coordinate, {})[urn] = None

    def clear(self) -> None:
        """Begin anew, after what was noted has been told."""
        self.hidden.clear()
        self.why.clear()
        self.reads.clear()
        self.absent.clear()
        self.refused.clear()

    def extensions(self) -> dict[str, Any]:
        """The aggregated notes, by coordinate; empty when nothing was hidden."""
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
