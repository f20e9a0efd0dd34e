"""Reports of pip-audit: each weakness, each package that was not compared, and a service that cannot be reached."""

import json
import tomllib
from datetime import date
from typing import Any

import pytest
from support.source_tree import read

from audit.advisories import AuditError, accepted_weaknesses, weaknesses

TODAY = date(2026, 11, 27)
FOUND = {"id": "PYSEC-2026-1", "aliases": ["CVE-2026-1", "GHSA-1"], "fix_versions": ["2.0.1", "2.1"]}


def report(*packages: dict[str, Any]) -> str:
    """Return a report as pip-audit writes it."""
    return json.dumps({"dependencies": list(packages), "fixes": []})


def package(name: str = "some", *vulns: dict[str, Any]) -> dict[str, Any]:
    """Return a package that was compared."""
    return {"name": name, "version": "2.0.0", "vulns": list(vulns)}


def accepted(until: str, advisory: str = "CVE-2026-1") -> dict[str, Any]:
    """Return the entries of one accepted advisory."""
    entry = {"advisory": advisory, "reason": "It is in a part that is not used.", "until": date.fromisoformat(until)}
    return dict(accepted_weaknesses([entry]))


def test_packages_without_weaknesses_pass() -> None:
    """A report of compared packages without weaknesses has no line."""
    assert weaknesses(report(package("a"), package("b")), {}, TODAY) == []


def test_a_weakness_is_reported_with_its_cure() -> None:
    """The line names package, version, advisory and the versions that correct it."""
    assert weaknesses(report(package("a"), package("some", FOUND)), {}, TODAY) == [
        "some 2.0.0 has PYSEC-2026-1, corrected in 2.0.1, 2.1."
    ]
    (line,) = weaknesses(report(package("some", {**FOUND, "fix_versions": []})), {}, TODAY)
    assert line.endswith("corrected in no version yet.")


@pytest.mark.parametrize("advisory", ["PYSEC-2026-1", "CVE-2026-1", "GHSA-1"])
def test_an_accepted_weakness_is_left_out_until_its_day(advisory: str) -> None:
    """An advisory is accepted under each of its names, up to its day, and then reported with that day."""
    assert weaknesses(report(package("some", FOUND)), accepted("2026-11-27", advisory), TODAY) == []
    (line,) = weaknesses(report(package("some", FOUND)), accepted("2026-11-26", advisory), TODAY)
    assert line.endswith("; it was accepted until 2026-11-26.")
    assert len(weaknesses(report(package("some", FOUND)), accepted("2026-12-01", "CVE-2026-2"), TODAY)) == 1


def test_a_package_that_was_not_compared_is_a_failure() -> None:
    """pip-audit succeeds if a mirror has no advisories; here the line says how many packages that concerns."""
    skipped = {"name": "some", "skip_reason": "Dependency not found on PyPI and could not be audited: some (2.0.0)"}
    (line,) = weaknesses(report(package("a"), skipped), {}, TODAY)
    assert line.startswith("1 of 2 packages were not compared, among them some: ")
    assert "ADVISORIES=osv" in line


@pytest.mark.parametrize("text", ["", "ConnectionError", "[]", "{}"])
def test_a_service_that_cannot_be_reached_is_a_clear_failure(text: str) -> None:
    """Without a report the error says what to do, and is no traceback."""
    with pytest.raises(AuditError, match=r"Check that this machine reaches pypi\.org"):
        weaknesses(text, {}, TODAY)


@pytest.mark.parametrize("missing", ["advisory", "reason", "until"])
def test_an_accepted_weakness_needs_a_reason_and_a_day(missing: str) -> None:
    """An entry without one of its three values is refused."""
    entry = {"advisory": "CVE-2026-1", "reason": "It is not used.", "until": TODAY}
    with pytest.raises(AuditError, match="needs `advisory`, `reason` and a date `until`"):
        accepted_weaknesses([{key: value for key, value in entry.items() if key != missing}])


def test_the_file_of_accepted_weaknesses_is_valid() -> None:
    """Each entry of the repository has its three values."""
    entries = tomllib.loads(read("audit/accepted.toml"))["weakness"]
    assert len(accepted_weaknesses(entries)) == len(entries)
