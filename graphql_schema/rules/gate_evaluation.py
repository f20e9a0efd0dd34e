"""Judging: what a model version lacks to pass its gates, from records, for those who read and those who write.

The records hold what their caller may see and nothing else, so what is hidden does not count, block or show.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql_schema.ports.outcomes import GateResult
from policies.gates import Gates, Needs
from policies.sensitivity import RANK

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a version: its record and its model's, decisions, evaluations, and incidents on either."""

    model: Record
    version: Record
    approvals: Sequence[Record] = ()
    evaluations: Sequence[Record] = ()
    incidents: Sequence[Record] = ()


def visible_fields(record: Record, hidden: Collection[str]) -> Record:
    """A record without its hidden fields, and with its domain, which else only the index holds, where that is shown."""
    domain = "" if "domain" in hidden else record.get("index", {}).get("domain", "")
    return {**{name: value for name, value in record.items() if name not in {*hidden, "index"}}, "domain": domain}


def evaluate_gate(gates: Gates, alias: str, evidence: Evidence, now: int) -> GateResult:
    """Whether the version may stand for an alias of its model, and what is missing; ``now`` in epoch milliseconds."""
    model = evidence.model
    needs = gates.needs(alias, model.get("riskTier") or "", model.get("domain", ""))
    given = {name for name in needs.approvals if approved(newest(evidence.approvals, name), now)}
    return GateResult(
        tuple(name for name in needs.approvals if name not in given),
        tuple(sorted({*_failing(evidence, needs)})) if needs.evaluations else (),
        tuple(sorted({*_grave(evidence.incidents, needs.incidents)})),
        tuple(_too_sensitive(evidence.version, needs)),
    )


def newest(approvals: Sequence[Record], gate: str) -> Record | None:
    """The newest decision for a gate; None where there is none. Each is later than all before it."""
    fitting = [each for each in approvals if each["gate"] == gate]
    return max(fitting, key=lambda each: (each["decidedAt"], each["id"]), default=None)


def approved(decision: Record | None, now: int) -> bool:
    """Whether the newest decision for a gate is an approval that still holds."""
    if decision is None or decision["decision"] != "APPROVED":
        return False
    expires = decision.get("expiresAt")
    return expires is None or expires > now


def _failing(evidence: Evidence, needs: Needs) -> Iterator[str]:
    """Evaluations that fail, of those whose word counts: else anybody could stop a version by judging it."""
    counting = {"", evidence.version["ownerTeam"], *needs.evaluators}
    for each in evidence.evaluations:
        if each["ownerTeam"] not in counting:
            continue
        gone = each.get("stage") == "RETIRED" or each.get("deletedAt") is not None
        if each.get("verdict") == "FAIL" and not gone:
            yield each["id"]


def _grave(incidents: Sequence[Record], severities: Collection[str]) -> Iterator[str]:
    return (each["id"] for each in incidents if each["state"] == "OPEN" and each["severity"] in severities)


def _too_sensitive(version: Record, needs: Needs) -> Iterator[str]:
    level = version.get("sensitivity")
    if level is not None and RANK[level] > RANK[needs.sensitivity]:
        yield f"The version is {level}, and at most {needs.sensitivity} may pass."
