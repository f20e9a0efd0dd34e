"""Evaluation of gates, for readers and writers: the conditions of an alias that a model version does not meet.

The evidence has only records and fields that the caller may see, but a writer evaluates hidden evaluations as well, by
themselves. A visible evaluation that hides its contamination is not known to be uncontaminated. The ``ownerTeam`` in
the evidence of a reader is None if the owner is hidden from the viewer; that of a writer is the stored one.
"""

from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from graphql_schema.ports.outcomes import GateResult
from graphql_schema.ports.record import Record
from graphql_schema.ports.turns.sorted_parts import sorted_in_parts
from graphql_schema.rules.observation.known_owner import is_same_owner
from policies.installation.gates import Gates, Needs, Selectors
from policies.sensitivity import RANK

REPORTERS: Final = "reporters"
"""Record key of a check result or incident that was recorded on an asset without a lasting owner: URNs of the teams and
the user for whom its author reported. Absent if each asset had such an owner, whose right the author had."""

UNOWNED: Final = "unowned"
"""Record key, beside REPORTERS: ids of the assets that had no lasting owner."""


EVALUATION_FIELDS: Final = ("id", "ownerTeam", "verdict", "stage", "deletedAt")
"""The fields of an evaluation by which it decides a gate; None counts as absent."""

ResultT = TypeVar("ResultT")

Steps = Generator[None, None, ResultT]
"""A generator that pauses between its steps and returns a result."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Records that decide a gate: model, version, its approvals and evaluations, and incidents on version or model.

    ``contaminated`` are the ids of those of :func:`evaluations_to_examine` that are not known to be uncontaminated.
    """

    model: Record
    version: Record
    approvals: Sequence[Record] = ()
    evaluations: Sequence[Record] = ()
    incidents: Sequence[Record] = ()
    contaminated: frozenset[str] = frozenset()

    @property
    def size(self) -> int:
        """The number of records beside model and version."""
        return len(self.approvals) + len(self.evaluations) + len(self.incidents)


def visible_fields(record: Record, hidden: Collection[str]) -> Record:
    """Return a record without its hidden fields and ``index``, and with ``domain``: "" without a visible one.

    The domain is taken from ``index`` in the record, because no stored field has it.
    """
    domain = "" if "domain" in hidden else record.get("index", {}).get("domain", "")
    left_out = {*hidden, "index"}
    return {**{name: value for name, value in record.items() if name not in left_out}, "domain": domain}


def evaluate_gate(gates: Gates, alias: str, evidence: Evidence, now: int) -> Steps[GateResult]:
    """Return the conditions of all gates of an alias that the version does not meet; ``now`` in epoch milliseconds.

    Pauses after each evaluation and incident.
    """
    needs = gates.needs(alias, selectors(evidence.model))
    people = approvers(evidence.approvals, needs, now)
    counting, reported, blocking = set[str](), set[str](), set[str]()
    for each in evidence.evaluations if needs.evaluations else ():
        if _fails(each):
            counts = _counts(evidence.version, each, needs)
            failing = counting if counts else reported
            failing.add(each["id"])
        yield
    for each in evidence.incidents:
        if _blocks(each, evidence, needs.incidents):
            blocking.add(each["id"])
        yield
    return GateResult(
        tuple(name for name in needs.approvals if name not in people),
        (yield from _sorted(counting)),
        (yield from _sorted(blocking)),
        tuple(_too_sensitive(evidence.version, needs)),
        tuple(_repeated(people, needs)),
        (yield from _sorted(reported)),
        (yield from _sorted(evidence.contaminated)) if needs.uncontaminated else (),
    )


def evaluations_to_examine(gates: Gates, alias: str, evidence: Evidence) -> Steps[list[Record]]:
    """Return the evaluations that count and whose contamination a gate of an alias needs; none if no gate does.

    Retired and deleted evaluations are left out. Pauses after each evaluation.
    """
    needs = gates.needs(alias, selectors(evidence.model))
    found: list[Record] = []
    for each in evidence.evaluations if needs.uncontaminated else ():
        if _is_active(each) and _counts(evidence.version, each, needs):
            found.append(each)
        yield
    return found


def may_decide(needs: Needs, version: Record, evaluation: Record, verdict: str | None) -> bool:
    """Return whether an evaluation with this visible verdict may close a gate or be reported.

    The others need not be examined.
    """
    is_examined = needs.uncontaminated and _counts(version, evaluation, needs)
    return is_examined or (needs.evaluations and verdict == "FAIL")


def selectors(model: Record) -> Selectors:
    """Return the values of a model that select its gates, from a record with its ``domain``."""
    return Selectors(model.get("riskTier") or "", model.get("domain", ""))


def counts_for(owner: str | None, evaluated_by: str | None, evaluators: Collection[str] = ()) -> bool:
    """Return whether an evaluation counts: the owner of the version, or a team in ``evaluators``, owns it.

    Otherwise any caller could change the gates and the health of a version of others. For a version without an owner,
    evaluations without one count. An owner who is unknown to the viewer is None, and is no owner of both.
    """
    return is_same_owner(owner, evaluated_by) or evaluated_by in evaluators


def counts_on(asset: str, owner: str | None, attached: Record) -> bool:
    """Return whether a check result or incident counts for the health and the gates of the asset with an id.

    Any engineer may record one on an asset without an owner, such as a placeholder. If this asset has an owner now, it
    counts there only if its author reported for the owner, whom the viewer must know.
    """
    return asset not in attached.get(UNOWNED, ()) or owner in {"", *attached[REPORTERS]}


def approvers(approvals: Sequence[Record], needs: Needs, now: int) -> dict[str, str]:
    """Return the subject who gave each needed approval, by its name; only approvals that are valid at ``now``."""
    known = newest_decisions(approvals)
    decisions = {name: known.get(name) for name in needs.approvals}
    return {name: each["decidedBy"] for name, each in decisions.items() if each and approved(each, now)}


def newest_decisions(approvals: Iterable[Record]) -> dict[str, Record]:
    """Return the newest decision under each approval name, by the order of transactions.

    ``decidedAt`` does not decide: an approval of a time when the clock was ahead would outlast its revocation.
    """
    found: dict[str, Record] = {}
    for each in approvals:
        known = found.setdefault(each["gate"], each)
        if (each["createdAt"], each["id"]) > (known["createdAt"], known["id"]):
            found[each["gate"]] = each
    return found


def approved(decision: Record | None, now: int) -> bool:
    """Return whether a decision is an approval that is valid at ``now``: neither expired nor void; False for None."""
    if decision is None or decision["decision"] != "APPROVED":
        return False
    return all(decision.get(end) is None or decision[end] > now for end in ("expiresAt", "voidedAt"))


def _repeated(people: Mapping[str, str], needs: Needs) -> Iterator[str]:
    """Yield a sentence for each person who gave several approvals that must be of different people."""
    for names in sorted(map(sorted, needs.distinct)):
        given = [name for name in names if name in people]
        for person in sorted({people[name] for name in given}):
            of_person = [name for name in given if people[name] == person]
            if len(of_person) > 1:
                yield f"{person} gave the approvals {' and '.join(of_person)}, which must be of different people."


def _counts(version: Record, evaluation: Record, needs: Needs) -> bool:
    return counts_for(version["ownerTeam"], evaluation["ownerTeam"], needs.evaluators)


def _fails(evaluation: Record) -> bool:
    """Return whether an evaluation has the verdict FAIL, and is neither retired nor deleted."""
    return evaluation.get("verdict") == "FAIL" and _is_active(evaluation)


def _is_active(evaluation: Record) -> bool:
    return evaluation.get("stage") != "RETIRED" and evaluation.get("deletedAt") is None


def _blocks(incident: Record, evidence: Evidence, severities: Collection[str]) -> bool:
    """Return whether an incident is open, of a blocking severity, and counts on the version or on its model."""
    if incident["state"] != "OPEN" or incident["severity"] not in severities:
        return False
    on = [asset for asset in (evidence.version, evidence.model) if asset.get("id") in incident["subjects"]]
    return any(counts_on(asset["id"], asset["ownerTeam"], incident) for asset in on)


def _sorted(ids: Collection[str]) -> Steps[tuple[str, ...]]:
    return tuple((yield from sorted_in_parts([*ids], str)))


def _too_sensitive(version: Record, needs: Needs) -> Iterator[str]:
    """Yield a sentence if the version is visibly more sensitive than the gates admit."""
    level = version.get("sensitivity")
    if level is not None and RANK[level] > RANK[needs.sensitivity]:
        yield f"The version is {level}, and at most {needs.sensitivity} may pass."
