"""Links between two assets: what they change, what ends them, and what is refused."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.stores.in_memory_writer import Memory, seeded
from support.stores.writers import NOW, asset, link, person, shipped_policy, urn

from app.graph.records.edge_record import MAX_PROPERTY_TEXT, is_current
from app.graph.records.vertex_id import vertex_id
from app.graph.writing.handlers.link import field_of
from graphql_schema.catalog.relations import RELATIONS
from graphql_schema.ports.commands import DeleteCommand, UnlinkCommand

ADA = person("ada", "team ranking", roles="engineer")
OURS, THEIRS = {"team ranking": ["TECHNICAL"]}, {"team ads": ["TECHNICAL"]}
UP, D = urn("dataset up"), urn("dataset d")


def unlink(valid_to: int | None = None, source: str = UP) -> UnlinkCommand:
    """Return the end of the link."""
    return UnlinkCommand("DERIVES", source, D, valid_to)


def refusal(memory: Memory, command: Any, who: Any = ADA) -> tuple[str, tuple[str, ...], str]:
    """Return code, path and message of a refusal."""
    (done,) = memory.run(command, who=who, now=NOW + 9)
    (error,) = done.errors
    return error.code.name, error.path, error.message


@pytest.fixture
def stored(memory: Memory) -> Memory:
    """Return a store with a link between two datasets of the team."""
    return seeded(
        memory,
        asset("dataset up", owners=OURS),
        asset("dataset d", owners=OURS),
        link("DERIVES", "dataset up", "dataset d"),
    )


def test_a_link_ends_now_or_at_an_instant(stored: Memory) -> None:
    """Ending it again is not found, and a given instant corrects the end."""
    assert stored.outcomes(unlink(), who=ADA, now=NOW + 1) == ["UPDATED"]
    assert stored.edge("DERIVES", "dataset up", "dataset d")["validTo"] == NOW + 1
    code, path, message = refusal(stored, unlink())
    assert (code, path) == ("NOT_FOUND", ("to",))
    assert message == f"No current DERIVES from {UP} to {D} exists or is visible to you; check the ids."
    assert stored.outcomes(unlink(NOW + 5), who=ADA, now=NOW + 2) == ["UPDATED"]
    assert stored.edge("DERIVES", "dataset up", "dataset d")["validTo"] == NOW + 5
    assert refusal(stored, unlink(NOW))[:2] == ("INVALID", ("validTo",))


def test_a_link_changes_no_revision(stored: Memory) -> None:
    """A revision would disclose links of hidden assets."""
    assert [stored.record(f"dataset {name}")["revision"] for name in ("up", "d")] == [1, 1]
    (done,) = stored.run(link("DERIVES", "dataset up", "dataset d", confidence=0.5), who=ADA, now=NOW + 1)
    assert (done.outcome.name, done.revision) == ("UPDATED", 1)


@pytest.mark.parametrize(
    ("command", "path", "message"),
    [
        (link("DERIVES", "model m", "dataset d"), ("to",), "DERIVES does not join Model to Dataset; it joins "),
        (link("VERSION_OF", "model-version m@1", "model n"), ("to",), f"{urn('model-version m@1')} is a version of "),
        (
            link("RUN_OF", "run r", "workflow w", declassified=True),
            ("declassify",),
            "Sensitivity does not propagate over RUN_OF",
        ),
        (
            UnlinkCommand("VERSION_OF", urn("model-version m@1"), urn("model m")),
            ("relation",),
            f"The id of {urn('model-version m@1')} names its parent; delete the version",
        ),
    ],
)
def test_what_the_catalog_does_not_allow_is_refused(
    memory: Memory, command: Any, path: tuple[str, ...], message: str
) -> None:
    """The error is at the field to correct, whether the assets exist or not."""
    code, found, text = refusal(memory, command)
    assert (code, found) == ("INVALID", path)
    assert text.startswith(message)


def test_declassifying_needs_an_approver_on_both_ends(stored: Memory) -> None:
    """It begins or ends with the right to approve; a link that leaves it as it is needs none."""
    eli = person("eli", "team ranking", roles="engineer approver")
    on = link("DERIVES", "dataset up", "dataset d", declassified=True)
    off = link("DERIVES", "dataset up", "dataset d", declassified=False)
    assert refusal(stored, on)[0] == "DENIED"
    assert stored.outcomes(off, who=ADA, now=NOW + 1) == ["UNCHANGED"]
    assert stored.outcomes(on, who=eli, now=NOW + 1) == ["UPDATED"]
    assert refusal(stored, off)[0] == "DENIED"
    assert stored.outcomes(off, who=eli, now=NOW + 2) == ["UPDATED"]


@pytest.mark.parametrize(
    "command",
    [
        link("DERIVES", "dataset up", "dataset d"),
        link("DERIVES", "dataset up", "dataset d", validFrom=NOW + 1, validTo=NOW + 99),
        unlink(NOW + 99),
    ],
    ids=["again", "corrected by link", "corrected by unlink"],
)
def test_a_declassification_ends_with_its_edge(stored: Memory, command: Any) -> None:
    """An edge that has ended and is opened again, or is corrected to end later, carries sensitivity."""
    eli = person("eli", "team ranking", roles="engineer approver")
    on = link("DERIVES", "dataset up", "dataset d", declassified=True)
    assert stored.outcomes(on, who=eli, now=NOW + 1) == ["UPDATED"]
    assert stored.outcomes(unlink(), who=ADA, now=NOW + 2) == ["UPDATED"]
    assert refusal(stored, on)[:2] == ("DENIED", ("declassify",))
    assert stored.outcomes(command, who=ADA, now=NOW + 3) in (["CREATED"], ["UPDATED"])
    assert is_current(edge := stored.edge("DERIVES", "dataset up", "dataset d"), NOW + 4)
    assert "declassified" not in edge
    assert refusal(stored, on)[:2] == ("DENIED", ("declassify",))
    assert stored.outcomes(on, who=eli, now=NOW + 4) == ["UPDATED"]


def test_an_end_after_now_does_not_bring_a_link_of_a_hidden_asset_back(memory: Memory) -> None:
    """Ada ends her link; when the dataset is hidden from her, a later end makes it unconfirmed, as a new link is."""
    seeded(memory, asset("dataset d", owners=OURS), asset("run r", {"state": "COMPLETE"}, owners=OURS))
    link_, end = link("PRODUCES", "run r", "dataset d"), ("PRODUCES", urn("run r"), D)
    assert memory.outcomes(link_, who=ADA) == ["CREATED"]
    assert memory.outcomes(UnlinkCommand(*end), who=ADA, now=NOW + 1) == ["UPDATED"]
    seeded(memory, asset("dataset d", {"visibility": "TEAM"}, owners=THEIRS))
    assert memory.outcomes(UnlinkCommand(*end, NOW + 2), who=ADA, now=NOW + 3) == ["UPDATED"]
    assert "claim" not in memory.edge("PRODUCES", "run r", "dataset d")
    assert memory.outcomes(UnlinkCommand(*end, NOW + 99), who=ADA, now=NOW + 3) == ["UPDATED"]
    assert memory.edge("PRODUCES", "run r", "dataset d")["claim"]


@pytest.mark.parametrize("begin", [0, 50], ids=["before", "later"])
@pytest.mark.parametrize(
    "values",
    [
        {"validTo": NOW + 5},
        {"validTo": NOW + 40},
        {"validTo": None},
        {"validFrom": NOW + 60},
        {"validFrom": NOW + 9, "validTo": NOW + 5},
        {"properties": [{"key": "k", "value": "v" * (MAX_PROPERTY_TEXT - 1)}]},
    ],
    ids=["past end", "end", "no end", "begin", "reversed", "large"],
)
def test_a_stored_link_of_a_hidden_source_decides_nothing(stored: Memory, values: Any, begin: int) -> None:
    """The interval and the properties of a stored edge are not disclosed: the response is that for an absent source."""
    others = link(
        "DERIVES",
        "dataset shut",
        "dataset d",
        validFrom=NOW + begin,
        validTo=NOW + 55,
        properties=[{"key": "other", "value": "v"}],
    )
    seeded(stored, asset("dataset shut", {"visibility": "TEAM"}, owners=THEIRS), others)
    responses = [
        (done.outcome, [(error.code, error.path, error.message) for error in done.errors])
        for source in ("absent", "shut")
        for done in stored.run(link("DERIVES", f"dataset {source}", "dataset d", **values), who=ADA, now=NOW + 9)
    ]
    assert responses[0] == responses[1]
    edge = stored.edge("DERIVES", "dataset shut", "dataset d")
    own = stored.edge("DERIVES", "dataset absent", "dataset d") if not responses[0][1] else None
    assert edge.get("apart", {}).get("ada") == own


def test_later_links_of_a_hidden_source_are_like_those_of_an_absent_one(stored: Memory) -> None:
    """The edge that another caller recorded stays as it is, and decides nothing."""
    eli = person("eli", "team ranking", "team ads", roles="engineer approver")
    others = link("DERIVES", "dataset shut", "dataset d", origin="OBSERVED", confidence=0.5, declassified=True)
    seeded(stored, asset("dataset shut", {"visibility": "TEAM"}, owners=THEIRS))
    assert stored.outcomes(others, who=eli) == ["CREATED"]
    for source in ("absent", "shut"):
        first = link("DERIVES", f"dataset {source}", "dataset d")
        assert stored.outcomes(first, who=ADA, now=NOW + 9) == ["CREATED"]
        again = link("DERIVES", f"dataset {source}", "dataset d", confidence=0.7)
        assert stored.outcomes(again, who=ADA, now=NOW + 10) == ["UPDATED"]
        assert stored.outcomes(unlink(NOW + 5, urn(f"dataset {source}")), who=ADA, now=NOW + 11) == ["INVALID"]
    edge = stored.edge("DERIVES", "dataset shut", "dataset d")
    assert (edge["validFrom"], edge["confidence"], edge["declassified"], "earlier" in edge) == (NOW, 0.5, True, False)
    assert (edge["apart"]["ada"]["validFrom"], edge["apart"]["ada"]["confidence"]) == (NOW + 9, 0.7)


OF_OTHERS: dict[str, Any] = {
    "own": asset("dataset d", owners=OURS),
    "give": asset("dataset d", owners=THEIRS),
    "hide": asset("dataset d", {"visibility": "TEAM"}),
    "show": asset("dataset d", {"visibility": "ORG"}),
}
"""What an administrator does to the output of a run."""

RAISED = {"raise": "RESTRICTED", "lower": "INTERNAL"}
BY_ADA = ("link", "confidence", "validTo", "end", "later end")


def responses_about(run: str, steps: list[str]) -> list[Any]:
    """Return the responses to what ada does to the edge from a run to its output, among changes of the output."""
    memory = seeded(Memory(shipped_policy()), OF_OTHERS["give"])
    seeded(memory, asset("run shut", {"visibility": "TEAM"}, owners=THEIRS))
    vid, found = vertex_id("default", D), []
    for number, step in enumerate(steps, 1):
        ends, later = ("PRODUCES", f"run {run}", "dataset d"), NOW + 1_000 + number
        if step in RAISED:  # without confirmation
            levels = {"sensitivity": RAISED[step], "confirmedSensitivity": "INTERNAL"}
            memory.vertices[vid] = {**memory.vertices[vid], **levels}
        elif step in OF_OTHERS:
            seeded(memory, OF_OTHERS[step])
        else:
            given = {"confidence": 0.5} if step == "confidence" else {"validTo": later} if step == "validTo" else {}
            end = UnlinkCommand("PRODUCES", urn(ends[1]), D, later if step == "later end" else None)
            (done,) = memory.run(end if "end" in step else link(*ends, **given), who=ADA, now=NOW + number)
            errors = [(error.code, error.path, error.message.replace(urn(ends[1]), "…")) for error in done.errors]
            found.append((done.outcome, errors))
    return found


@example(["raise", "link"])
@example(["raise", "link", "end"])
@example(["raise", "link", "lower", "link", "end"])
@example(["own", "link", "give", "raise", "link", "validTo", "end"])
@given(st.lists(st.sampled_from([*OF_OTHERS, *RAISED, *BY_ADA]), max_size=7))
def test_the_other_end_of_a_link_decides_alike_for_a_hidden_and_an_absent_asset(steps: list[str]) -> None:
    """Whatever ada may do with the output, what she links and ends for a hidden run is answered like for an absent one.

    It was not where the output was withheld, or ceased to be ada's after her link.
    """
    assert responses_about("shut", steps) == responses_about("absent", steps)


def test_a_link_that_ends_before_it_begins_is_over(stored: Memory) -> None:
    """Its end is not found again, a new link begins a new interval, and its declassification is no longer valid."""
    eli = person("eli", "team ranking", roles="engineer approver")
    memory = seeded(stored, asset("dataset later", owners=OURS))
    scheduled = link("DERIVES", "dataset later", "dataset d", declassified=True, validFrom=NOW + 99)
    over = UnlinkCommand("DERIVES", urn("dataset later"), D)
    assert memory.outcomes(scheduled, who=eli) == ["CREATED"]
    assert memory.outcomes(over, who=ADA, now=NOW + 1) == ["UPDATED"]
    assert refusal(memory, over)[0] == "NOT_FOUND"
    again = link("DERIVES", "dataset later", "dataset d", declassified=True, validTo=None)
    assert refusal(memory, again)[:2] == ("DENIED", ("declassify",))
    assert memory.outcomes(link("DERIVES", "dataset later", "dataset d"), who=ADA, now=NOW + 2) == ["CREATED"]
    assert "declassified" not in memory.edge("DERIVES", "dataset later", "dataset d")


@pytest.mark.parametrize("field", [True, False], ids=["by its field", "by a link"])
def test_the_declassification_of_an_unconfirmed_link_needs_an_approver_of_its_target(
    memory: Memory, *, field: bool
) -> None:
    """Eva approves for the run and may not see the dataset; who confirms her link does not declassify its data."""
    eva = person("eva", "team ads", roles="engineer approver")
    both = person("bo", "team ads", "team ranking", roles="engineer")
    hidden = asset("dataset d", {"visibility": "TEAM"}, owners=OURS)
    seeded(memory, hidden, asset("run r", {"state": "COMPLETE"}, owners=THEIRS))
    assert memory.outcomes(link("PRODUCES", "run r", "dataset d", declassified=True), who=eva) == ["CREATED"]
    assert memory.edge("PRODUCES", "run r", "dataset d")["claim"]
    again = link("PRODUCES", "run r", "dataset d", declassified=True)
    assert memory.outcomes(again, who=both, now=NOW + 1) == ["DENIED"]
    confirm = asset("run r", outputs=["dataset d"]) if field else link("PRODUCES", "run r", "dataset d")
    assert memory.outcomes(confirm, who=both, now=NOW + 1) == ["UPDATED"]
    edge = memory.edge("PRODUCES", "run r", "dataset d")
    assert "claim" not in edge
    assert "declassified" not in edge


def test_a_deleted_or_foreign_asset_is_not_linked(stored: Memory) -> None:
    """The asset that the link changes must be present and of the caller."""
    seeded(stored, asset("dataset theirs", owners=THEIRS))
    assert refusal(stored, link("DERIVES", "dataset up", "dataset theirs"))[0] == "DENIED"
    stored.run(DeleteCommand(D), now=NOW + 1)
    assert refusal(stored, link("DERIVES", "dataset up", "dataset d"))[0] == "CONFLICT"
    assert refusal(stored, unlink())[0] == "CONFLICT"


def test_a_domain_of_others_takes_no_asset(memory: Memory) -> None:
    """Ada may update what the domain of her team owns, and is denied to move it into a domain of another team."""
    seeded(memory, asset("domain rk", owners=OURS), asset("domain shop", owners=THEIRS))
    seeded(memory, asset("dataset d", domain=["domain rk"]))
    ada = replace(ADA, acts_for=frozenset({urn("domain rk")}))
    assert memory.outcomes(asset("dataset d", {"format": "csv"}), who=ada, now=NOW + 1) == ["UPDATED"]
    for command in (asset("dataset d", domain=["domain shop"]), link("CONTAINS", "domain shop", "dataset d")):
        assert refusal(memory, command, ada)[0] == "DENIED"
    assert memory.record("dataset d")["ownerTeam"] == urn("domain rk")


def test_a_domain_of_others_takes_no_placeholder(memory: Memory) -> None:
    """Who registers the id would be denied, unless with an owner; a hidden asset has the same response.

    Who may update what the domain owns puts one there, and registers it without an owner.
    """
    shut = asset("dataset shut", {"visibility": "TEAM"}, owners={"team growth": ["TECHNICAL"]})
    seeded(memory, asset("domain shop", owners=THEIRS), shut, link("DERIVES", "dataset other", "dataset seen"))
    for name in ("absent", "seen", "other", "shut"):
        (refused,) = memory.run(link("CONTAINS", "domain shop", f"dataset {name}"), who=ADA)
        assert [(error.code.name, error.path) for error in refused.errors] == [("DENIED", ("from",))]
    assert memory.outcomes(asset("dataset absent"), who=ADA) == ["CREATED"]
    eve = replace(person("eve", "team ads", roles="engineer"), acts_for=frozenset({urn("domain shop")}))
    into = link("CONTAINS", "domain shop", "dataset new")
    assert memory.outcomes(into, asset("dataset new"), who=eve) == ["CREATED", "CREATED"]
    assert memory.record("dataset new")["ownerTeam"] == urn("domain shop")


def test_a_repeated_link_into_a_domain_needs_no_further_right(memory: Memory) -> None:
    """The edge of a placeholder is stored, so that a retry of ada is UNCHANGED; once it has ended, ada is denied."""
    seeded(memory, asset("domain shop", owners=THEIRS), link("DERIVES", "dataset other", "dataset seen"))
    into = link("CONTAINS", "domain shop", "dataset seen")
    seeded(memory, into)
    assert memory.outcomes(into, who=ADA, now=NOW + 1) == ["UNCHANGED"]
    ended = UnlinkCommand("CONTAINS", urn("domain shop"), urn("dataset seen"))
    assert memory.outcomes(ended, who=ADA, now=NOW + 2) == ["UPDATED"]
    assert refusal(memory, into, ADA)[0] == "DENIED"


def test_a_hidden_far_end_is_treated_as_absent(stored: Memory) -> None:
    """A confirmed link to a hidden asset is not found, and the id is reported for the access log."""
    shut = urn("dataset shut")
    seeded(
        stored,
        asset("dataset shut", {"visibility": "TEAM"}, owners=THEIRS),
        link("DERIVES", "dataset shut", "dataset d"),
    )
    (done,) = stored.run(unlink(source=shut), who=ADA, now=NOW + 1)
    assert [error.code.name for error in done.errors] == ["NOT_FOUND"]
    assert done.hidden_ids == (shut,)


@pytest.mark.parametrize(
    ("relation", "kind", "outward", "field"),
    [
        ("DERIVES", "Dataset", True, "downstream"),
        ("DERIVES", "Dataset", False, "upstream"),
        ("CONTAINS", "Domain", False, "domain"),
        ("CONTAINS", "FeatureSet", True, "features"),
        ("REPLACED_BY", "Model", True, "replacedBy"),
        ("OWNED_BY", "Model", True, "OWNED_BY"),
    ],
)
def test_an_edge_is_audited_as_the_field_that_shows_it(relation: str, kind: str, field: str, *, outward: bool) -> None:
    """The policy of the field then applies to the entry; a relation without a field has its name."""
    assert field_of(RELATIONS[relation], kind, outward=outward) == field
