"""Results of checks: late and repeated results, corrections, and the incident of a failure."""

from dataclasses import replace
from typing import Any

import pytest
from support.stores.in_memory_writer import Memory, seeded
from support.stores.writers import NOW, asset, link, person, set_owners, urn

from graphql_schema.ports.commands import DeleteCommand, ReportCheckCommand

ADA, BO = person("ada", "team ranking", roles="engineer"), person("bo", "team ads", roles="engineer")
A, OURS = urn("dataset a"), {"team ranking": ["TECHNICAL"]}


def result(status: str = "PASS", at: int | None = NOW, *, opens: bool = False, **values: Any) -> ReportCheckCommand:
    """Return a result of the check."""
    return ReportCheckCommand(A, "fresh", "FRESHNESS", status, at, values, open_incident=opens)


@pytest.fixture
def stored(memory: Memory) -> Memory:
    """Return a store with a dataset of the team."""
    return seeded(memory, asset("dataset a", owners={"team ranking": ["TECHNICAL"]}))


def of_kind(memory: Memory, kind: str) -> list[Any]:
    """Return the records of a kind."""
    return [each for each in memory.vertices.values() if each["kind"] == kind]


def test_a_check_has_its_first_and_latest_result(stored: Memory) -> None:
    """A late result moves the first instant back and nothing else."""
    stored.run(result(at=NOW + 5, threshold="< 6h"), result("FAIL", NOW + 9), result(at=NOW + 7), now=NOW + 9)
    stored.run(result(at=NOW + 2, threshold="old"), now=NOW + 9)
    (check,) = of_kind(stored, "CHECK")
    assert [check[name] for name in ("firstAt", "latestAt", "threshold")] == [NOW + 2, NOW + 9, "< 6h"]
    assert len(of_kind(stored, "CHECK_RESULT")) == 4


def test_the_same_result_again_changes_nothing(stored: Memory) -> None:
    """A repeated report is no write; another status for its instant corrects the result."""
    assert stored.outcomes(result(value=1.0), who=ADA, now=NOW + 1) == ["CREATED"]
    assert stored.outcomes(result(value=1.0), who=ADA, now=NOW + 2) == ["UNCHANGED"]
    assert not stored.dirty
    assert stored.outcomes(result("FAIL", value=1.0), who=ADA, now=NOW + 3) == ["UPDATED"]
    (found,) = of_kind(stored, "CHECK_RESULT")
    assert (found["status"], found["createdAt"]) == ("FAIL", NOW + 1)


def test_windows_of_one_instant_are_results_of_their_own(stored: Memory) -> None:
    """Results of different parts of the data do not correct each other."""
    items = [result("PASS", window="eu"), result("FAIL", window="us"), result("ERROR")]
    assert stored.outcomes(*items, who=ADA, now=NOW) == ["CREATED"] * 3
    assert sorted(each["status"] for each in of_kind(stored, "CHECK_RESULT")) == ["ERROR", "FAIL", "PASS"]


@pytest.mark.parametrize(("ahead", "accepted"), [(300_000, True), (300_001, False)])
def test_a_clock_may_be_five_minutes_ahead(stored: Memory, ahead: int, *, accepted: bool) -> None:
    """A later instant is refused at its field."""
    (done,) = stored.run(result(at=NOW + ahead), who=ADA, now=NOW)
    assert [error.path for error in done.errors] == ([] if accepted else [("observedAt",)])


@pytest.mark.parametrize(("ahead", "latest"), [(300_000, NOW + 300_000), (300_001, NOW)])
def test_a_result_of_a_clock_that_was_ahead_is_not_the_newest(stored: Memory, ahead: int, latest: int) -> None:
    """A later failure opens its incident, and is the newest and the first result from then on."""
    stored.run(result(at=NOW + ahead, threshold="old"), now=NOW + ahead)
    stored.run(result("FAIL", opens=True, threshold="new"), now=NOW)
    (check,) = of_kind(stored, "CHECK")
    is_newest = latest == NOW
    assert (check["latestAt"], check["firstAt"], check["threshold"]) == (latest, NOW, "new" if is_newest else "old")
    assert len(of_kind(stored, "INCIDENT")) == is_newest


def test_a_result_without_an_instant_is_one_of_now(stored: Memory) -> None:
    """The instant of the write is that of the observation."""
    stored.run(result(at=None), who=ADA, now=NOW + 3)
    assert [each["observedAt"] for each in of_kind(stored, "CHECK_RESULT")] == [NOW + 3]


@pytest.mark.parametrize(
    ("status", "opens", "incident"),
    [
        ("FAIL", True, ("HIGH", "Freshness check fresh failed")),
        ("ERROR", True, ("MEDIUM", "Freshness check fresh could not run")),
        ("WARN", True, None),
        ("PASS", True, None),
        ("FAIL", False, None),
    ],
)
def test_a_failure_opens_an_incident_on_request(
    stored: Memory, status: str, *, opens: bool, incident: tuple[str, str] | None
) -> None:
    """The severity follows from the status, and the incident names the result as its cause."""
    (done,) = stored.run(result(status, opens=opens), who=ADA, now=NOW)
    found = of_kind(stored, "INCIDENT")
    assert [(each["severity"], each["title"]) for each in found] == ([incident] if incident else [])
    assert all(each["cause"] == done.created_record and each["subjects"] == [A] for each in found)


def test_a_late_failure_opens_no_incident(stored: Memory) -> None:
    """A later result has already passed, so the problem is over."""
    stored.run(result(at=NOW + 5), result("FAIL", NOW + 1, opens=True), who=ADA, now=NOW + 5)
    assert of_kind(stored, "INCIDENT") == []


@pytest.fixture
def taken(memory: Memory) -> Memory:
    """Return a store with an asset on which a stranger reported a failure, with an incident, and which has an owner."""
    memory.run(link("DERIVES", "dataset a", "dataset b"), who=BO)
    assert memory.outcomes(result("FAIL", opens=True), who=BO, now=NOW) == ["CREATED"]
    seeded(memory, asset("dataset a", owners={"team ranking": ["TECHNICAL"]}))
    return memory


def test_a_result_on_an_unowned_asset_has_the_owners_of_its_reporter(taken: Memory) -> None:
    """A stranger's does not count for the later owner; that of the owner has no reporters, also if it is the same."""
    assert [each["reporters"] for each in of_kind(taken, "CHECK_RESULT")] == [[urn("team ads")]]
    assert taken.outcomes(result("FAIL"), who=ADA, now=NOW + 1) == ["UPDATED"]
    assert [each.get("reporters") for each in of_kind(taken, "CHECK_RESULT")] == [None]
    assert taken.outcomes(result("FAIL"), who=ADA, now=NOW + 2) == ["UNCHANGED"]


def test_a_repeated_result_of_strangers_has_an_incident_of_the_owner(taken: Memory) -> None:
    """The owner imports the same failure: it has an incident that counts, in place of that of the stranger."""
    assert taken.outcomes(result("FAIL", opens=True), who=ADA, now=NOW + 1) == ["UPDATED"]
    first, second = of_kind(taken, "INCIDENT")
    assert [each["incident"] for each in of_kind(taken, "CHECK_RESULT")] == [second["id"]]
    assert (first["reporters"], second.get("reporters")) == ([urn("team ads")], None)


def test_a_result_that_two_teams_report_counts_for_either(memory: Memory) -> None:
    """Ranking repeats a result of ads on an asset without an owner, which ranking owns later."""
    seeded(memory, asset("dataset a"))
    outcomes = [memory.outcomes(result("FAIL"), who=who, now=NOW + at) for at, who in enumerate((BO, ADA, ADA))]
    assert outcomes == [["CREATED"], ["UPDATED"], ["UNCHANGED"]]
    assert [each["reporters"] for each in of_kind(memory, "CHECK_RESULT")] == [[urn("team ads"), urn("team ranking")]]


def test_an_incident_of_strangers_keeps_no_failure_of_the_owner_from_opening_one(taken: Memory) -> None:
    """The first failure of the owner opens an incident that counts, and the second one finds it."""
    for at in (NOW + 5, NOW + 6):
        assert taken.outcomes(result("FAIL", at, opens=True), who=ADA, now=at) == ["CREATED"]
    first, second = of_kind(taken, "INCIDENT")
    assert (first["reporters"], second.get("reporters")) == ([urn("team ads")], None)
    found = [each["incident"] for each in of_kind(taken, "CHECK_RESULT")]
    assert found == [first["id"], second["id"], second["id"]]


def test_who_owned_a_placeholder_for_a_while_keeps_no_failure_from_opening_an_incident(memory: Memory) -> None:
    """Bo owns the placeholder, reports a failure with an incident, and gives it back before Ada registers it."""
    memory.run(link("DERIVES", "dataset a", "dataset b"), who=BO)
    steps = (set_owners("dataset a", "team ads"), result("FAIL", opens=True), set_owners("dataset a"))
    assert memory.outcomes(*steps, who=BO) == ["UPDATED", "CREATED", "UPDATED"]
    assert memory.outcomes(asset("dataset a", owners=OURS), who=ADA, now=NOW + 1) == ["CREATED"]
    assert memory.outcomes(result("FAIL", NOW + 2, opens=True), who=ADA, now=NOW + 2) == ["CREATED"]
    first, second = of_kind(memory, "INCIDENT")
    assert (first["reporters"], second.get("reporters")) == ([urn("team ads")], None)
    assert [each["incident"] for each in of_kind(memory, "CHECK_RESULT")] == [first["id"], second["id"]]


def test_the_owner_of_a_placeholder_takes_the_same_result_of_a_stranger(memory: Memory) -> None:
    """A feature that is not registered gets an owner with its set: a failure of the owner opens an own incident."""
    check = replace(result("FAIL", opens=True), asset=urn("feature d"))
    memory.run(link("FEEDS", "feature d", "model-version m@1"), check, who=BO)
    seeded(memory, asset("feature-set f", owners=OURS, features=["feature d"]))
    assert memory.outcomes(check, who=ADA, now=NOW + 1) == ["UPDATED"]
    first, second = of_kind(memory, "INCIDENT")
    (found,) = of_kind(memory, "CHECK_RESULT")
    assert (found["incident"], found["reporters"]) == (second["id"], [urn("team ranking")])
    assert [each["reporters"] for each in (first, second)] == [[urn("team ads")], [urn("team ranking")]]
    assert memory.outcomes(check, who=ADA, now=NOW + 2) == ["UNCHANGED"]


def test_teams_share_no_incident_on_an_unowned_asset(memory: Memory) -> None:
    """Either team opens its own and finds it again, because only that one counts when the team owns the asset."""
    seeded(memory, asset("dataset a"))
    for at, who in enumerate((BO, ADA, BO, ADA, person("dan", "team ranking", roles="engineer"))):
        assert memory.outcomes(result("FAIL", NOW + at, opens=True), who=who, now=NOW + at) == ["CREATED"]
    assert [each["reporters"] for each in of_kind(memory, "INCIDENT")] == [[urn("team ads")], [urn("team ranking")]]
    first, second = (each["id"] for each in of_kind(memory, "INCIDENT"))
    assert [each["incident"] for each in of_kind(memory, "CHECK_RESULT")] == [first, second, first, second, second]
    seeded(memory, asset("dataset a", owners={"team ranking": ["TECHNICAL"]}))
    memory.run(result("FAIL", NOW + 9, opens=True), who=ADA, now=NOW + 9)
    assert len(of_kind(memory, "INCIDENT")) == 2


def test_only_the_owner_of_a_present_asset_reports(stored: Memory) -> None:
    """Another team is denied, an unknown asset is not found, and a deleted one must be restored."""
    (done,) = stored.run(result(), who=person("bo", "team ads", roles="engineer"), now=NOW)
    assert done.outcome.name == "DENIED"
    (done,) = stored.run(ReportCheckCommand(urn("dataset x"), "c", "FRESHNESS", "PASS", NOW, {}), now=NOW)
    assert [(error.code.name, error.path) for error in done.errors] == [("NOT_FOUND", ("asset",))]
    stored.run(DeleteCommand(A), now=NOW)
    assert stored.outcomes(result(), now=NOW) == ["CONFLICT"]
