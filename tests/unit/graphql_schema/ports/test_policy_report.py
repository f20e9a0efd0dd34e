"""The report of what the policy hid and logged in one operation."""

from itertools import permutations

import pytest

from graphql_schema.ports.policy_report import PolicyReport
from policies.decision import Denial
from policies.errors import DeniedError

NEEDS_TEAM = Denial(policies=("p1",), needs=("team-read",))


def test_hidden_values_are_counted_by_coordinate() -> None:
    """The extension lists each coordinate once, in order, with its count and the least reasons."""
    report = PolicyReport("v7")
    for coordinate in ("Run.params", "Model.task", "Run.params"):
        report.report_hidden(coordinate, NEEDS_TEAM if coordinate == "Run.params" else Denial((), ()))
    report.report_hidden("Run.params", Denial(("p2",), ()))
    report.report_hidden("Run.params", Denial(("p1",), ("team-write",)))
    assert report.extensions() == {
        "authorization": {
            "policyVersion": "v7",
            "hidden": [
                {"coordinate": "Model.task", "count": 1, "policies": [], "needs": []},
                {"coordinate": "Run.params", "count": 4, "policies": ["p1"], "needs": ["team-read"]},
            ],
        }
    }


def test_the_reasons_do_not_depend_on_the_order_of_reading() -> None:
    """The least policies count, then the least needs, in every order in which values are found to be hidden."""
    denials = (Denial(("p1",), ("a",)), Denial(("p1",), ("b",)), Denial(("p2",), ()))
    for order in permutations(denials):
        report, added = PolicyReport("v7"), PolicyReport("v7")
        for denial in order:
            report.report_hidden("Run.params", denial)
            one = PolicyReport("v7")
            one.report_hidden("Run.params", denial)
            added.add(one)
        assert report.why == added.why == {"Run.params": denials[0]}


def test_a_response_from_which_nothing_is_hidden_has_no_extension() -> None:
    """Reads for the access log are no part of the response."""
    report = PolicyReport("v7")
    report.report_read("Run.params", "r1")
    assert report.extensions() == {}


def test_a_response_lists_at_most_fifty_coordinates() -> None:
    """Further coordinates are counted under ``more``, so that the extension stays small."""
    report = PolicyReport("v7")
    for number in range(50):
        report.report_hidden(f"T.f{number:02}", NEEDS_TEAM)
    assert "more" not in report.extensions()["authorization"]
    report.report_hidden("T.f50", NEEDS_TEAM)
    found = report.extensions()["authorization"]
    assert (len(found["hidden"]), found["hidden"][-1]["coordinate"], found["more"]) == (50, "T.f49", 1)


def test_a_strict_caller_gets_an_error_instead_of_null() -> None:
    """The error names the coordinate, the policies that hide it and what would show it; it is counted all the same."""
    report = PolicyReport("v7", strict=True)
    with pytest.raises(DeniedError) as denied:
        report.report_hidden("Run.params", NEEDS_TEAM)
    assert denied.value.extensions == {"coordinate": "Run.params", "policies": ["p1"], "needs": ["team-read"]}
    assert report.hidden["Run.params"] == 1


def test_each_read_of_an_asset_is_kept_once_in_order() -> None:
    """The access log lists assets by coordinate."""
    report = PolicyReport("v7")
    for urn in ("r2", "r1", "r2"):
        report.report_read("Run.params", urn)
    assert {coordinate: list(urns) for coordinate, urns in report.reads.items()} == {"Run.params": ["r2", "r1"]}


def test_a_cleared_report_is_empty() -> None:
    """A subscription has many responses, each with a report of its own."""
    report = PolicyReport("v7")
    report.report_hidden("Run.params", NEEDS_TEAM)
    report.report_read("Run.params", "r1")
    report.absent["m1"] = None
    report.report_refused("update", "m1", "No.")
    report.clear()
    assert report == PolicyReport("v7")


def test_the_report_on_shared_work_is_added() -> None:
    """Counts are added, ids are kept once each, and the least reasons count; the other report is unchanged."""
    mine, other = PolicyReport("v7"), PolicyReport("v7")
    mine.report_hidden("Run.params", NEEDS_TEAM)
    mine.report_read("Model.task", "m1")
    for report in (other, other):
        report.report_hidden("Run.params", Denial(("p2",), ()))
    other.report_read("Model.task", "m1")
    other.report_read("Model.task", "m2")
    other.absent["m3"] = None
    for report, urn in ((mine, "m1"), (mine, "m1"), (other, "m1"), (other, "m2")):
        report.report_refused("update", urn, "No.")
    mine.add(other)
    mine.reads["Model.task"]["m4"] = None
    assert (mine.hidden["Run.params"], mine.why["Run.params"]) == (3, NEEDS_TEAM)
    assert list(mine.reads["Model.task"]) == ["m1", "m2", "m4"]
    assert list(mine.absent) == ["m3"]
    assert mine.refused == {("update", "m1", ("No.",)): 3, ("update", "m2", ("No.",)): 1}
    assert other.refused == {("update", "m1", ("No.",)): 1, ("update", "m2", ("No.",)): 1}
    assert list(other.reads["Model.task"]) == ["m1", "m2"]
