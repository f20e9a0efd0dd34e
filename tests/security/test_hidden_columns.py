"""No caller guesses a hidden source of a column, by any sequence of registrations, events, reverts and merges.

Two stores differ in one thing: which column of a hidden dataset the others name. What ada does, and may see, is equal.
"""

from collections.abc import Iterable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from support.stores.in_memory_writer import Memory, seeded
from support.stores.writers import NOW, asset, person, shipped_policy, urn

from graphql_schema.ports.commands import Command, MergeCommand, ObserveCommand, ObservedValue, RevertCommand
from graphql_schema.ports.record import Record
from graphql_schema.rules.observation.observed_columns import COLUMNS, SENDER, all_sources, sender_of

ADA = person("ada", "team ranking", roles="engineer")
EVE = person("eve", "team ranking", "team ads", roles="engineer")
SVC = person("svc", "team ranking", "team ads", roles="automation")
CALLERS = {"ada": ADA, "eve": EVE, "svc": SVC}

SHUT = urn("dataset shut")
SWAPPED = {"c": "d", "d": "c"}
"""The columns of the hidden dataset that the others name in the other store."""

Step = tuple[str, str, dict[str, list[str]], int]
"""What is done, by whom, the sources of each column, and the instant of an event or the age of a change."""

sources = st.lists(st.sampled_from(["up.a", "up.b", "shut.c", "shut.d", "shut.e"]), unique=True, max_size=3)
columns = st.dictionaries(st.sampled_from("xy"), sources, max_size=2)
actions: st.SearchStrategy[Step] = st.one_of(
    st.tuples(st.just("register"), st.sampled_from(["ada", "ada", "eve"]), columns, st.just(0)),
    st.tuples(st.just("job"), st.sampled_from(["ada", "svc", "eve"]), columns, st.integers(1, 9)),
    st.tuples(st.just("other job"), st.sampled_from(["ada", "svc"]), columns, st.integers(1, 9)),
    st.tuples(st.just("schema"), st.sampled_from(["ada", "svc"]), columns, st.integers(1, 9)),
    st.tuples(st.just("revert"), st.just("ada"), st.just({}), st.integers(1, 4)),
    st.tuples(st.just("merge"), st.just("ada"), st.just({}), st.just(0)),
)
few_steps = st.lists(actions, max_size=1)


@st.composite
def bringing_back(draw: st.DrawFn) -> list[Step]:
    """Return steps in which ada sends a guess, replaces it, and a revert brings back the column with the guess."""
    visible, guess = draw(st.sampled_from([["up.a"], ["up.a", "up.b"]])), draw(st.sampled_from(["c", "d", "e"]))
    sent, repeated = {"x": [f"shut.{guess}", *visible]}, {"x": visible}
    steps: list[Step] = [("job", "svc", {"x": ["shut.c"]}, 1), ("other job", "ada", sent, 1)]
    steps += [("register", "ada", {}, 0), *draw(few_steps), ("other job", "ada", repeated, 8)]
    steps += [("register", "ada", {}, 0), *draw(few_steps), ("revert", "ada", {}, draw(st.integers(2, 4)))]
    return [*steps, draw(st.sampled_from([("other job", "ada", repeated, 9), ("merge", "ada", {}, 0)]))]


def refs(names: Iterable[str], *, swapped: bool) -> list[dict[str, str]]:
    """Return source columns; ``swapped``, a flag: as those of the other store."""
    found = []
    for name in names:
        dataset, column = name.split(".")
        column = SWAPPED.get(column, column) if swapped and dataset == "shut" else column
        found.append({"dataset": urn(f"dataset {dataset}"), "column": column})
    return found


def command(memory: Memory, action: Step, *, other: bool) -> Command | None:
    """Return the command of an action; None for the revert of a change that does not exist."""
    what, who, given_columns, at = action
    swapped = other and who != "ada"
    named = {name: refs(each, swapped=swapped) for name, each in given_columns.items()}
    if what == "register":
        return asset("dataset d", {"columns": [{"name": name, "derivedFrom": each} for name, each in named.items()]})
    if what == "revert":
        changes = history(memory)
        return RevertCommand(changes[-at]["id"]) if at <= len(changes) else None
    if what == "merge":
        return MergeCommand(urn("dataset d"), urn("dataset m"))
    value: Any = [{"name": name} for name in named] if what == "schema" else named
    return ObserveCommand(urn("dataset d"), "d", (ObservedValue("columns", value, (at,), what),))


def history(memory: Memory) -> list[Record]:
    """Return the changes of the dataset, oldest first."""
    found = [each for each in memory.vertices.values() if each.get("subject") == urn("dataset d") and "actor" in each]
    return sorted(found, key=lambda each: (each["createdAt"], each["subjectRevision"]))


def shown(memory: Memory) -> Any:
    """Return what ada sees of the columns, of the revision, and of the history."""
    record = memory.record("dataset d")
    columns = [
        (column["name"], [each for each in all_sources(column) if each["dataset"] != SHUT], sorted(column.keys()))
        for column in record.get("columns") or ()
    ]
    changes = [
        (each["actor"], each["action"], [entry["field"] for entry in each["fields"]]) for each in history(memory)
    ]
    return columns, record["revision"], record.get("givenBy"), changes


def age(memory: Memory) -> None:
    """Store the columns of the dataset and their evidence as an earlier release did: without who sent a part."""
    for vid, record in memory.vertices.items():
        if record["id"] == urn("dataset d") and "columns" in record:
            columns = [
                {"name": each["name"], **({"derivedFrom": found} if (found := all_sources(each)) else {})}
                for each in record["columns"]
            ]
            memory.vertices[vid] = {**record, "columns": columns}
        elif COLUMNS in record.get("entries", {}):
            parts = {
                name: {key: value for key, value in part.items() if key != SENDER} | {"by": sender_of(part)}
                for name, part in record["entries"][COLUMNS].items()
            }
            memory.vertices[vid] = {**record, "entries": {**record["entries"], COLUMNS: parts}}


def outcomes(steps: list[Step], *, stub: bool, other: bool) -> list[Any]:
    """Return what ada is answered and sees after each step, in one of the stores.

    ``stub``, a flag: her first event about the dataset makes it, so that she may merge it; otherwise it has an owner.
    """
    memory, views = Memory(shipped_policy()), list[Any]()
    shut = asset("dataset shut", {"visibility": "TEAM"}, owners={"team ads": ["TECHNICAL"]})
    seeded(memory, asset("dataset up"), asset("dataset m"), shut)
    if stub:
        memory.run(ObserveCommand(urn("dataset d"), "d", (ObservedValue("format", "csv", (1,)),)), who=ADA)
    else:
        seeded(memory, asset("dataset d", owners={"team ranking": ["TECHNICAL"]}))
    for number, step in enumerate(steps):
        at = step[3] if step[1] == "ada" else 100 * step[3] + number  # of equal instants, the value decides
        if step[0] == "upgrade":
            age(memory)
            continue
        item = command(memory, (*step[:3], at), other=other)
        if item is None:
            continue
        (done,) = memory.run(item, who=CALLERS[step[1]], now=NOW + 1 + number)
        errors = [(error.code, error.message.split(";")[0][:40]) for error in done.errors]
        answer = (done.outcome, done.observed, errors) if step[1] == "ada" else None
        views.append((answer, shown(memory)))
    return views


@st.composite
def upgrading(draw: st.DrawFn) -> list[Step]:
    """Return steps in which ada registers a guess after an upgrade, before the first event about the dataset."""
    guess = draw(st.sampled_from(["shut.c", "shut.d", "shut.e"]))
    steps: list[Step] = [("job", "svc", {"x": ["shut.c"]}, 1), ("upgrade", "svc", {}, 0)]
    steps += [("register", "ada", {"x": [guess], "y": []}, 0), *draw(few_steps)]
    steps += draw(st.sampled_from([[], [("register", "ada", {"x": [guess]}, 0), ("revert", "ada", {}, 1)]]))
    event: Step = ("other job", "ada", {"z": ["up.a"]}, 9)
    return [*steps, draw(st.sampled_from([event, ("merge", "ada", {}, 0)]))]


@settings(max_examples=150, deadline=None)
@given(st.lists(actions, min_size=2, max_size=9) | bringing_back() | upgrading(), st.booleans())
def test_no_sequence_of_writes_shows_a_hidden_source(steps: list[Step], stub: bool) -> None:  # noqa: FBT001 - drawn
    """The others name another column of the hidden dataset, and ada guesses: nothing shows whether she is right."""
    assert outcomes(steps, stub=stub, other=False) == outcomes(steps, stub=stub, other=True)
