"""Evaluation of gates, for readers and writers: the conditions of an alias that a model version does not meet.

The evidence has only records and fields that the caller may see. Hidden ones do not count and do not block.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from graphql_schema.ports.outcomes import GateResult
from graphql_schema.ports.record import Record
from policies.gates import Gates, Needs
from policies.sensitivity import RANK


@dataclass(frozen=True, slots=True)
class Evidence:
    """Records that decide a gate: version, model, approvals, evaluations, and incidents on version or model."""

    model: Record
    version: Record
    approvals: Sequence[Record] = ()
    evaluations: Sequence[Record] = ()
    incidents: Sequence[Record] = ()


def visible_fields(record: Record, hidden: Collection[str]) -> Record:
    """Return a record without its hidden fields, and with its domain if that is visible.

    The domain is taken from the index terms of the record, because no stored field has it.
    """
    domain = "" if "domain" in hidden else record.get("index", {}).get("domain", "")
    return {**{name: value for name, value in record.items() if name not in {*hidden, "index"}}, "domain": domain}


def evaluate_gate(gates: Gates, alias: str, evidence: Evidence, now: int) -> GateResult:
    """Return the unmet conditions of the gates of an alias for the version; ``now`` is in epoch milliseconds."""
    model = evidence.model
    needs = gates.needs(alias, model.get("riskTier") or "", model.get("domain", ""))
    approvals = {name for name in needs.approvals if approved(newest(evidence.approvals, name), now)}
    return GateResult(
        tuple(name for name in needs.approvals if name not in approvals),
        tuple(sorted({*_failing(evidence, needs)})) if needs.evaluations else (),
        tuple(sorted({*_blocking(evidence.incidents, needs.incidents)})),
        tuple(_too_sensitive(evidence.version, needs)),
    )


def newest(approvals: Sequence[Record], gate: str) -> Record | None:
    """Return the newest decision under the approval name ``gate``, by the order of transactions; None if there is none.

    ``decidedAt`` does not decide: an approval of a time when the clock was ahead would outlast its revocation.
    """
    decisions = [each for each in approvals if each["gate"] == gate]
    return max(decisions, key=lambda each: (each["createdAt"], each["id"]), default=None)


def approved(decision: Record | None, now: int) -> bool:
    """Return whether a decision is an approval that is valid at ``now``."""
    if decision is None or decision["decision"] != "APPROVED":
        return False
    expires = decision.get("expiresAt")
    return expires is None or expires > now


def _failing(evidence: Evidence, needs: Needs) -> Iterator[str]:
    """Yield the ids of failing evaluations that are neither retired nor deleted.

    Only those count that the owner team of the version, no team, or a team named as evaluator owns. Otherwise any team
    could block a version with an evaluation of its own.
    """
    evaluators = {"", evidence.version["ownerTeam"], *needs.evaluators}
    for each in evidence.evaluations:
        if each["ownerTeam"] not in evaluators:
            continue
        inactive = each.get("stage") == "RETIRED" or each.get("deletedAt") is not None
        if each.get("verdict") == "FAIL" and not inactive:
            yield each["id"]


def _blocking(incidents: Sequence[Record], severities: Collection[str]) -> Iterator[str]:
    """Yield the ids of the open incidents of a blocking severity."""
    return (each["id"] for each in incidents if each["state"] == "OPEN" and each["severity"] in severities)


def _too_sensitive(version: Record, needs: Needs) -> Iterator[str]:
    """Yield a sentence if the version is visibly more sensitive than the gates admit."""
    level = version.get("sensitivity")
    if level is not None and RANK[level] > RANK[needs.sensitivity]:
        yield f"The version is {level}, and at most {needs.sensitivity} may pass."
