"""Known weaknesses of the locked Python packages: the report of pip-audit, compared with the accepted ones.

pip-audit succeeds if the service does not know a package, as a mirror without advisories does not. Here that is a
failure: a package that was not compared is not a package without weaknesses.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any


class AuditError(Exception):
    """A part of the audit failed; the message says what to do."""


@dataclass(frozen=True, slots=True)
class AcceptedWeakness:
    """An advisory that does not apply to the product, with the reason, until a day on which it is looked at again."""

    advisory: str
    reason: str
    until: date


def accepted_weaknesses(entries: Sequence[Mapping[str, Any]]) -> dict[str, AcceptedWeakness]:
    """Return the entries of ``audit/accepted.toml`` by advisory; raises AuditError for one without reason or date."""
    found = {}
    for entry in entries:
        advisory, reason, until = entry.get("advisory"), entry.get("reason"), entry.get("until")
        if not (isinstance(advisory, str) and isinstance(reason, str) and reason and isinstance(until, date)):
            raise AuditError(f"audit/accepted.toml: {dict(entry)} needs `advisory`, `reason` and a date `until`.")
        found[advisory] = AcceptedWeakness(advisory, reason, until)
    return found


def weaknesses(report: str, accepted: Mapping[str, AcceptedWeakness], today: date) -> list[str]:
    """Return a line for each weakness in the JSON report of pip-audit that is not accepted today.

    A further line names packages that were not compared.

    Raises AuditError if the report is no JSON: then pip-audit ended early, mostly without a network.
    """
    try:
        packages: list[dict[str, Any]] = json.loads(report)["dependencies"]
    except (ValueError, KeyError, TypeError):
        raise AuditError(
            "The advisories could not be read. Check that this machine reaches pypi.org, or run "
            "`make audit ADVISORIES=osv` to read those of osv.dev."
        ) from None
    unknown = [package["name"] for package in packages if "skip_reason" in package]
    lines = [line for package in packages for line in _lines_of(package, accepted, today)]
    if unknown:
        lines.append(
            f"{len(unknown)} of {len(packages)} packages were not compared, among them {', '.join(unknown[:3])}: the "
            "service has no advisories for them. A mirror of PyPI may lack them; run `make audit` where pypi.org is "
            "reached, or with ADVISORIES=osv."
        )
    return lines


def _lines_of(package: Mapping[str, Any], accepted: Mapping[str, AcceptedWeakness], today: date) -> list[str]:
    lines = []
    for found in package.get("vulns", ()):
        known = [accepted[name] for name in (found["id"], *found.get("aliases", ())) if name in accepted]
        if any(entry.until >= today for entry in known):
            continue
        cure = ", ".join(found.get("fix_versions", ())) or "no version yet"
        ended = f"; it was accepted until {known[0].until}" if known else ""
        lines.append(f"{package['name']} {package['version']} has {found['id']}, corrected in {cure}{ended}.")
    return lines
