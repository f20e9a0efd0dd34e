"""Observed values of an asset: folded in any order, beside what clients registered, with the rights of the caller."""

from itertools import permutations
from threading import get_ident

import pytest
from support.estates.wide_lineage import noted_threads
from support.stores.in_memory_writer import ROOT, Memory, present_graph, seeded
from support.stores.memory_store import Callers
from support.stores.planned_groups import planned
from support.stores.writers import NOW, asset, link, person, urn

from app.graph.writing import group_plan
from app.graph.writing.group_plan import FEW_TABLES
from app.graph.writing.handlers.observe import tables_in
from graphql_schema.catalog.enums import ChangeAction
from graphql_schema.catalog.relations import INPUT_TO, OWNED_BY, PRODUCES, TAGGED
from graphql_schema.execution.side_thread import run_aside
from graphql_schema.ports.commands import DeclaredEdges, EventCommand, ObserveCommand, ObservedValue, RegisterCommand
from graphql_schema.ports.outcomes import ObservedChanges, Outcome, WriteOutcome

ADA = person("ada", "team ranking", roles="automation")
D, R = urn("dataset d"), urn("run r")


def observing(about: str, *values: ObservedValue, edges: tuple[DeclaredEdges, ...] = ()) -> ObserveCommand:
    """Return a command about ``kind name``."""
    return ObserveCommand(urn(about), about.split()[1], values, edges)


def text(value: str, at: int, field: str = "description") -> ObservedValue:
    """Return a value at an instant."""
    return ObservedValue(field, value, (at,))


def state(name: str, rank: int, at: int) -> ObservedValue:
    """Return the state of a run."""
    return ObservedValue("state", name, (rank, at))


def outputs(*far: str) -> DeclaredEdges:
    """Return observed outputs of a run."""
    return DeclaredEdges(PRODUCES.out(), "OpenLineage.outputs", {urn(each): {} for each in far}, adds=True)


def owners(*far: str) -> DeclaredEdges:
    """Return a list of owners that replaces the observed one."""
    return DeclaredEdges(OWNED_BY.out(), "OpenLineage.owners", {urn(each): {"kinds": ["TECHNICAL"]} for each in far})


def one(outcomes: list[WriteOutcome]) -> WriteOutcome:
    """Return the only outcome."""
    (found,) = outcomes
    return found


def tags(*far: str) -> DeclaredEdges:
    """Return a list of tags that replaces the observed one."""
    return DeclaredEdges(TAGGED.out(), "OpenLineage.tags", {urn(each): {} for each in far})


def observed(outcomes: list[WriteOutcome]) -> ObservedChanges:
    """Return what the only command observed."""
    found = one(outcomes).observed
    assert found is not None
    return found


def listing(field: str, at: int, *far: str) -> ObserveCommand:
    """Return an event that lists owners or tags of the dataset."""
    made = {"owners": owners, "tags": tags}[field]
    return observing("dataset d", ObservedValue(field, list(far), (at,)), edges=(made(*far),))


def set_owners(**kinds: list[str]) -> RegisterCommand:
    """Return the command of `setOwners` for the dataset, by name of the team."""
    targets = {urn(f"team {name}"): {"kinds": each} for name, each in kinds.items()}
    edges = DeclaredEdges(OWNED_BY.out(), "Dataset.owners", targets, replaces_all=True)
    return RegisterCommand(D, {}, (edges,), action=ChangeAction.OWNERS_SET, right="update", id_path="asset")


def owners_of(memory: Memory) -> list[str]:
    """Return the names of the teams in the index of the dataset."""
    return sorted(urn.rpartition("/")[2] for urn, _ in memory.record("dataset d")["index"]["owners"])


def test_an_owner_that_a_client_removed_is_not_given_by_later_events(memory: Memory) -> None:
    """`setOwners` removes what events gave; other owners of events are added, until a client gives the team again."""
    seeded(memory, asset("dataset d", owners={"team ranking": ["TECHNICAL"]}), asset("team ads"), asset("team growth"))
    assert observed(memory.run(listing("owners", 1, "team ads"), now=NOW + 1)).linked
    ours = set_owners(ranking=["TECHNICAL"])
    assert memory.outcomes(ours, now=NOW + 2) == ["UPDATED"]
    assert owners_of(memory) == ["ranking"]
    later = observed(memory.run(listing("owners", 3, "team ads", "team growth"), now=NOW + 3))
    assert (later.kept, later.refused, owners_of(memory)) == (("owners",), (), ["growth", "ranking"])
    assert memory.outcomes(set_owners(ranking=["TECHNICAL"], ads=["BUSINESS"]), now=NOW + 4) == ["UPDATED"]
    assert owners_of(memory) == ["ads", "ranking"]
    memory.run(asset("dataset d", owners={"team ranking": ["TECHNICAL"]}), now=NOW + 5)
    memory.run(listing("owners", 6, "team ads"), now=NOW + 6)
    assert owners_of(memory) == ["ads", "ranking"]


def test_what_a_client_removed_from_a_placeholder_is_given_by_its_registration(memory: Memory) -> None:
    """Anybody may link a placeholder and give it an owner, and remove this before the event that registers it."""
    seeded(memory, asset("team ads"), asset("team growth"))
    mal = person("mal", "team growth", roles="engineer")
    assert memory.outcomes(link("OWNED_BY", "dataset d", "team ads"), who=mal, now=NOW + 1) == ["CREATED"]
    assert memory.outcomes(set_owners(growth=["TECHNICAL"]), set_owners(), who=mal, now=NOW + 2) == ["UPDATED"] * 2
    found = observed(memory.run(listing("owners", 4, "team ads"), now=NOW + 4))
    assert (found.kept, owners_of(memory)) == ((), ["ads"])


def test_the_list_of_a_registration_leaves_the_owners_of_events(memory: Memory) -> None:
    """A pipeline registers its own list again and again, beside what events say."""
    seeded(memory, asset("dataset d", owners={"team ranking": ["TECHNICAL"]}), asset("team ads"))
    memory.run(listing("owners", 1, "team ads"), now=NOW + 1)
    memory.run(asset("dataset d", owners={}), now=NOW + 2)
    assert owners_of(memory) == ["ads"]


def test_an_event_does_not_set_a_blocked_tag(memory: Memory) -> None:
    """A block stays until a client sets the tag; other tags of the event are set."""
    seeded(memory, asset("dataset d"), asset("tag x"), asset("tag y"))
    memory.run(listing("tags", 1, "tag x"), now=NOW + 1)
    block = DeclaredEdges(TAGGED.out(), "Dataset.tags", {urn("tag x"): {"mode": "BLOCKED"}}, adds=True)
    memory.run(RegisterCommand(D, {}, (block,), action=ChangeAction.TAGGED, right="tag", id_path="asset"), now=NOW + 2)
    later = observed(memory.run(listing("tags", 3, "tag x", "tag y"), now=NOW + 3))
    assert (later.kept, memory.record("dataset d")["index"]["tags"]) == (("tags",), [urn("tag y")])
    assert memory.edge("TAGGED", "dataset d", "tag x")["mode"] == "BLOCKED"
    memory.run(asset("dataset d", tags=["tag x"]), now=NOW + 4)
    assert memory.edge("TAGGED", "dataset d", "tag x")["mode"] == "DIRECT"


def test_an_event_that_registers_a_placeholder_sets_a_tag_that_was_blocked_on_it(memory: Memory) -> None:
    """A block on a placeholder, which any engineer may declare, ends with its registration, also by an event."""
    seeded(memory, asset("tag x"), asset("tag y"), link("INPUT_TO", "dataset d", "run r"))
    targets = {urn("tag x"): {"mode": "BLOCKED"}, urn("tag y"): {"mode": "BLOCKED"}}
    block = DeclaredEdges(TAGGED.out(), "Dataset.tags", targets, adds=True)
    memory.run(RegisterCommand(D, {}, (block,), action=ChangeAction.TAGGED, right="tag", id_path="asset"), now=NOW + 1)
    first = observed(memory.run(listing("tags", 2, "tag x"), now=NOW + 2))
    assert (first.kept, memory.record("dataset d")["index"]["tags"]) == ((), [urn("tag x")])
    assert memory.edge("TAGGED", "dataset d", "tag x")["mode"] == "DIRECT"
    assert memory.edge("TAGGED", "dataset d", "tag y")["validTo"] == NOW + 2


def test_every_order_gives_the_same_graph(memory: Memory) -> None:
    """Four events about one run, in all orders and one of them twice, leave the same values and edges."""
    events = [
        observing("run r", state("START", 1, 10), text("first", 10), edges=(outputs("dataset a"),)),
        observing("run r", state("RUNNING", 2, 20)),
        observing("run r", state("COMPLETE", 3, 30), text("last", 30), edges=(outputs("dataset b"),)),
        observing("run r", state("FAIL", 3, 25), text("late", 25)),
    ]
    graphs = []
    for order in permutations(events):
        fresh = Memory(memory.policy)
        for number, event in enumerate([*order, order[0]]):
            assert one(fresh.run(event, who=ADA, now=NOW + number)).outcome.name in {"CREATED", "UPDATED", "UNCHANGED"}
        graphs.append(present_graph(fresh))
    record = graphs[0][0][R]
    assert (record["state"], record["description"]) == ("COMPLETE", "last")
    assert len(graphs[0][1]) == 2
    assert all(each == graphs[0] for each in graphs)


def test_a_repetition_is_no_write(memory: Memory) -> None:
    """The same event again is UNCHANGED, and a later one with the same values changes no revision and no audit."""
    memory.run(observing("dataset d", text("orders", 10)), who=ADA)
    assert memory.outcomes(observing("dataset d", text("orders", 10)), who=ADA, now=NOW + 1) == ["UNCHANGED"]
    assert not memory.dirty
    changes = sum(each["kind"] == "CHANGE" for each in memory.vertices.values())
    assert memory.outcomes(observing("dataset d", text("orders", 20)), who=ADA, now=NOW + 2) == ["UNCHANGED"]
    assert (memory.record("dataset d")["revision"], changes) == (1, 1)
    assert sum(each["kind"] == "CHANGE" for each in memory.vertices.values()) == 1
    outdated = one(memory.run(observing("dataset d", text("wrong", 15)), who=ADA, now=NOW + 3)).observed
    assert outdated is not None
    assert outdated.outdated == ("description",)


def test_a_registered_value_is_kept(memory: Memory) -> None:
    """A description that a person registered remains, and the outcome says so; an absent value is filled in."""
    seeded(memory, asset("dataset d", {"description": "By hand."}))
    done = one(
        memory.run(observing("dataset d", text("By machine.", 10), text("iceberg", 10, "format")), who=ADA)
    ).observed
    assert done is not None
    assert (done.kept, done.changed) == (("description",), ("format",))
    assert [memory.record("dataset d")[key] for key in ("description", "format")] == ["By hand.", "iceberg"]


def test_a_hidden_value_is_not_compared(memory: Memory) -> None:
    """Root guesses the error of a run: a right guess is reported like a wrong one, by outcome and changed fields."""
    reports = []
    for number, guess in enumerate(["disk full", "wrong"]):
        run = f"run r{number}"
        assert memory.outcomes(asset(run, {"state": "FAIL", "error": "disk full"}), who=ADA) == ["CREATED"]
        done = one(memory.run(observing(run, text(guess, 10, "error")), who=person("root", roles="admin"), now=NOW + 1))
        reports.append((done.outcome, done.observed))
    assert reports[0] == reports[1]
    observed = reports[0][1]
    assert observed is not None
    assert observed.changed == ("error",)


def test_a_part_of_a_hidden_list_discloses_no_other_part(memory: Memory) -> None:
    """Root sends a part of its own, then guesses one that ada sent: a right guess is reported like a wrong one."""
    reports = []
    for number, guess in enumerate(["secret", "wrong"]):
        run = f"run r{number}"
        truth, own, guessed = (
            ObservedValue("params", {"key": key, "value": value}, (at,), key)
            for key, value, at in (("env.PASSWORD", "secret", 20), ("env.X", "1", 20), ("env.PASSWORD", guess, 10))
        )
        assert memory.outcomes(observing(run, state("START", 1, 1), truth), who=ADA) == ["CREATED"]
        assert observed(memory.run(observing(run, own), now=NOW + 1)).changed == ("params",)
        done = one(memory.run(observing(run, guessed), now=NOW + 2))
        reports.append((done.outcome, done.observed, memory.record(run)["revision"]))
    assert reports[0] == reports[1]
    assert (reports[0][0], observed([done]).outdated) == (Outcome.UPDATED, ())


def test_the_giver_of_columns_remains_until_others_change_them(memory: Memory) -> None:
    """What ada gave is still compared once an event of another has added a source, and not after a new schema."""
    seeded(memory, asset("team ranking"), asset("dataset d", owners={"team ranking": ["TECHNICAL"]}))
    columns = {"columns": [{"name": "a", "derivedFrom": [{"dataset": urn("dataset up"), "column": "c"}]}]}
    assert memory.outcomes(asset("dataset d", columns), who=ADA, now=NOW + 1) == ["UPDATED"]
    value = {"a": [{"dataset": urn("dataset shut"), "column": "c"}]}
    memory.run(observing("dataset d", ObservedValue("columns", value, (10,), "a job")), now=NOW + 3)
    assert memory.outcomes(asset("dataset d", columns), who=ADA, now=NOW + 4) == ["UNCHANGED"]
    assert memory.record("dataset d")["givenBy"] == {"columns": "ada"}
    assert memory.record("dataset d")["columns"] == [{**columns["columns"][0], "observedFrom": value["a"]}]
    typed = ObservedValue("columns", [{"name": "a", "dataType": "INT"}], (11,), "schema")
    memory.run(observing("dataset d", typed), now=NOW + 5)
    assert "givenBy" not in memory.record("dataset d")


def test_no_hidden_source_of_a_column_is_guessed(memory: Memory) -> None:
    """A right guess by ada is reported like a wrong one: by outcome, fields, revision, history, and a later part.

    What she sent before is compared, so that a pipeline with a hidden source changes nothing by each of its runs.
    """
    shut = {"visibility": "TEAM"}
    seeded(memory, asset("dataset shut", shut, owners={"team ads": ["TECHNICAL"]}))
    truth, wrong = ({"a": [{"dataset": urn("dataset shut"), "column": column}]} for column in "cd")
    for job in ("job of ads", "job of ada"):
        reports = []
        for number, guess in enumerate((truth, wrong)):
            name = f"dataset {job[-3:]}{number}"
            seeded(memory, asset(name, owners={"team ranking": ["TECHNICAL"]}))
            memory.run(observing(name, ObservedValue("columns", truth, (10,), "job of ads")), now=NOW + 1)
            event = observing(name, ObservedValue("columns", guess, (5,), job))
            done = one(memory.run(event, who=ADA, now=NOW + 2))
            changes = [each for each in memory.vertices.values() if each.get("subject") == urn(name)]
            mine = [(each["action"], len(each["fields"])) for each in changes if each["actor"] == "ada"]
            reports.append((done.outcome, done.observed, memory.record(name)["revision"], mine))
            assert memory.outcomes(event, who=ADA, now=NOW + 3) == ["UNCHANGED"]
            again = observing(name, ObservedValue("columns", guess, (11,), job))
            assert memory.outcomes(again, who=ADA, now=NOW + 4) == ["UNCHANGED"]
            assert memory.record(name)["revision"] == reports[-1][2]
        assert reports[0] == reports[1]
        assert reports[0][1] is not None
        assert (reports[0][0], reports[0][1].changed) == (Outcome.UPDATED, ("columns",))


def test_an_edge_without_the_right_is_left_out(memory: Memory) -> None:
    """An output of another team is refused with a reason; the run and its other output are written."""
    seeded(memory, asset("team ads"), asset("dataset theirs", owners={"team ads": ["TECHNICAL"]}))
    event = observing("run r", state("START", 1, 1), edges=(outputs("dataset theirs", "dataset free"),))
    done = one(memory.run(event, who=ADA))
    assert done.outcome is Outcome.CREATED
    assert done.observed is not None
    assert done.observed.linked == (("outputs", urn("dataset free")),)
    ((field, far, reason),) = done.observed.refused
    assert (field, far) == ("outputs", urn("dataset theirs"))
    assert "link" in reason


def test_the_run_of_a_reader_is_denied(memory: Memory) -> None:
    """A caller without the right to register gets DENIED, and nothing is written, no evidence either."""
    reader = person("bo", roles="reader")
    assert memory.outcomes(observing("run r", state("START", 1, 1)), who=reader) == ["DENIED"]
    assert not memory.dirty


def test_the_latest_list_of_owners_replaces_the_observed_one(memory: Memory) -> None:
    """Owners of an earlier event end when a later one names others; owners that a person set remain."""
    teams = [asset(f"team {name}") for name in ("a", "b", "hand")]
    seeded(memory, *teams, asset("dataset d", owners={"team hand": ["BUSINESS"]}))
    lists = {20: ["team b"], 30: ["team a"], 10: ["team b"]}
    for at, names in lists.items():
        memory.run(observing("dataset d", text(str(names), at, "owners"), edges=(owners(*names),)), now=NOW + at)
    assert memory.record("dataset d")["index"]["owners"] == [
        [urn("team a"), ["TECHNICAL"]],
        [urn("team hand"), ["BUSINESS"]],
    ]
    assert "owners" not in memory.record("dataset d")


def test_inputs_are_added(memory: Memory) -> None:
    """An event without inputs leaves those of an earlier one."""
    inputs = DeclaredEdges(INPUT_TO.into(), "OpenLineage.inputs", {D: {}}, adds=True, origin="OBSERVED")
    memory.run(observing("run r", state("START", 1, 1), edges=(inputs,)), who=ADA)
    memory.run(observing("run r", state("RUNNING", 2, 2)), who=ADA, now=NOW + 1)
    assert memory.edge("INPUT_TO", "dataset d", "run r")["origin"] == "OBSERVED"


def test_tables_with_columns_are_counted(memory: Memory) -> None:
    """An event about a few wide ones, also without new columns, takes 70 ms: its plan is made in the side thread."""
    wide = ObservedValue("columns", {"a": []}, (10,), "a job")
    memory.run(observing("dataset stored", wide), now=NOW + 1)
    named = [observing(f"dataset {name}", text("t", 11)) for name in ("stored", "plain", "absent")]
    event = EventCommand(urn("dataset plain"), "digest", (*named, observing("dataset given", wide)), lambda _: None)
    assert tables_in(event, memory.state(), "default") == 2
    assert tables_in(named[0], memory.state(), "default") == 1
    assert tables_in(named[1], memory.state(), "default") == 0
    assert tables_in(named[0], memory.state(), "other") == 0


@pytest.mark.parametrize("count", [FEW_TABLES, FEW_TABLES + 1])
async def test_an_event_about_wide_tables_is_planned_aside(
    callers: Callers, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """Each table of 3,000 columns takes 10 ms under the write lock, in which others would wait for the event loop."""
    wide = ObservedValue("columns", {"a": []}, (10,), "a job")
    tables = tuple(observing(f"dataset d{number}", wide) for number in range(count))
    noted = noted_threads(monkeypatch, group_plan, "plan_item")
    await planned(callers, callers.batch(ROOT, EventCommand(urn("dataset d0"), "digest", tables, lambda _: None)))
    aside = await run_aside(get_ident)
    assert {thread for _, thread in noted} == {aside if count > FEW_TABLES else get_ident()}
