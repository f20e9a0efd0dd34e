"""Submitting writes: scope first, then the writer, then the reports for the access log."""

import threading
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from itertools import repeat
from types import SimpleNamespace
from typing import Any, cast

import pytest
from support.stores.plain_reader import PlainGraph
from support.unpaused_calls import UnpausedCalls

from app.graph.records.clock import epoch_milliseconds
from graphql_schema.catalog.enums import ChangeAction
from graphql_schema.execution.side_thread import run_aside
from graphql_schema.fields.context import Context, Info
from graphql_schema.inputs.input_size import LONG_INPUT
from graphql_schema.inputs.submit import ScopeError, authorize, submit_one, write
from graphql_schema.inputs.values import InputError
from graphql_schema.ports.commands import (
    AcknowledgeChangeCommand,
    ApproveCommand,
    CloseChangePlanCommand,
    Command,
    DeleteCommand,
    LinkCommand,
    MergeCommand,
    OpenIncidentCommand,
    PlanChangeCommand,
    RecordUsageCommand,
    RegisterCommand,
    RemoveAliasCommand,
    ResolveIncidentCommand,
    RestoreCommand,
    SetAliasCommand,
    UnlinkCommand,
)
from graphql_schema.ports.outcomes import MutationErrorCode, Outcome, WriteOutcome, refused
from graphql_schema.ports.policy_report import PolicyReport
from graphql_schema.ports.protocols import GraphReader
from policies.errors import CodedError
from policies.principal import Principal, PrincipalKind, Scope

MODEL = "mlg://model/test/default/ranker"
ADA = Principal("ada", PrincipalKind.PERSON, "acme", scopes=frozenset({Scope.WRITE.value}))
DENIED = refused(Outcome.DENIED, MutationErrorCode.DENIED, "Team ads owns it.")
CREATED = WriteOutcome(Outcome.CREATED, MODEL, 1)
REGISTER = RegisterCommand(MODEL, {})


@dataclass
class ListedWriter:
    """A writer with prepared outcomes; keeps its calls."""

    outcomes: list[WriteOutcome]
    calls: list[tuple[list[Command], bool, bool]] = field(default_factory=list)
    fails: bool = False

    async def write(self, items: Sequence[Command], *, dry_run: bool, atomic: bool) -> list[WriteOutcome]:
        """See GraphWriter."""
        self.calls.append((list(items), dry_run, atomic))
        if self.fails:
            raise TimeoutError
        return self.outcomes


class Operation:
    """One operation of Ada over a writer, which has read something; counts how often a reader was opened."""

    def __init__(self, *outcomes: WriteOutcome, caller: Principal = ADA) -> None:
        self.writer = ListedWriter(list(outcomes))
        self.readers = 0
        graph = PlainGraph()

        def open_reader(_caller: Principal, _as_of: int | None) -> GraphReader:
            self.readers += 1
            return graph

        self.context = Context(caller, open_reader, self.writer, graph.report, b"k" * 32, epoch_milliseconds)
        self.info = cast("Info", SimpleNamespace(context=self.context))
        assert self.context.reader

    @property
    def opened(self) -> int:
        """How often a reader was opened, if a field is resolved now."""
        assert self.context.reader
        return self.readers

    @property
    def refused(self) -> dict[tuple[str, str, tuple[str, ...]], int]:
        """The numbers of denied writes for the access log."""
        return self.context.policy_report.refused


async def test_items_reach_the_writer_with_their_flags() -> None:
    """One outcome for each item, in order; a read after the write sees the new state."""
    operation = Operation(CREATED, CREATED)
    assert await write(operation.info, [REGISTER, REGISTER], dry_run=True, atomic=True) == [CREATED, CREATED]
    assert operation.writer.calls == [([REGISTER, REGISTER], True, True)]
    assert operation.opened == 2


async def test_a_call_without_items_writes_nothing() -> None:
    """The store gets no request."""
    operation = Operation()
    assert await write(operation.info, []) == []
    assert (operation.writer.calls, operation.opened) == ([], 1)


async def test_a_failed_write_discards_what_was_read_as_well() -> None:
    """The outcome of a write that timed out is unknown, so later fields must read again."""
    operation = Operation()
    operation.writer.fails = True
    with pytest.raises(TimeoutError):
        await write(operation.info, [REGISTER])
    assert operation.opened == 2


async def test_a_token_without_the_scope_is_refused_before_anything_else() -> None:
    """The input is not even read, and the access log records the attempt."""
    operation = Operation(caller=replace(ADA, scopes=frozenset({Scope.READ.value})))

    def make(_: None) -> Command:
        raise AssertionError("the input was read")

    with pytest.raises(ScopeError) as error:
        await submit_one(operation.info, make, None)
    assert error.value.extensions == {"scope": "graph:write"}
    assert [(action, urn) for action, urn, _ in operation.refused] == [("graph:write", "")]
    authorize(Operation().info)


async def test_an_invalid_input_never_reaches_the_writer() -> None:
    """The outcome is INVALID, with the message and the path of the input."""
    operation = Operation()

    def make(_: None) -> Command:
        raise InputError("No.", "owners", "0")

    outcome = await submit_one(operation.info, make, None)
    assert outcome == refused(Outcome.INVALID, MutationErrorCode.INVALID, "No.", "owners", "0")
    assert operation.writer.calls == []


async def test_a_single_item_is_written_and_committed() -> None:
    """The outcome of the item is that of the writer."""
    operation = Operation(CREATED)
    assert await submit_one(operation.info, lambda _: REGISTER, None) == CREATED
    assert operation.writer.calls == [([REGISTER], False, False)]


@pytest.mark.parametrize("elements", [LONG_INPUT, LONG_INPUT + 1])
async def test_the_command_of_a_long_input_is_made_in_the_side_thread(elements: int) -> None:
    """Others run meanwhile: the ids of a list are parsed one by one."""
    threads: list[int] = []

    def make(_: object) -> Command:
        threads.append(threading.get_ident())
        return REGISTER

    await submit_one(Operation(CREATED).info, make, {"tags": [None] * elements})
    aside = await run_aside(threading.get_ident)
    assert threads == [aside if elements > LONG_INPUT else threading.get_ident()]


async def test_the_parts_of_a_command_end_with_the_operation() -> None:
    """A command may be made in parts; when its client has left, no further part is, and nothing is written."""
    operation, left = Operation(CREATED), CodedError("The client has left.")

    def make(_: object) -> Generator[None, None, Command]:
        operation.info.context.budget.end(left)
        yield from repeat(None, 1_000_000)
        raise AssertionError("The work went on to its end.")

    with pytest.raises(CodedError) as ended:
        await submit_one(operation.info, make, {"tags": [None] * (LONG_INPUT + 1)})
    assert (ended.value, operation.writer.calls) == (left, [])


DENIED_WRITES: list[tuple[Command, str, str]] = [
    (REGISTER, "register", MODEL),
    (RegisterCommand(MODEL, {}, action=ChangeAction.TAGGED, right="tag"), "tag", MODEL),
    (LinkCommand("FEEDS", "a", "b"), "link", "a, b"),
    (UnlinkCommand("FEEDS", "a", "b"), "link", "a, b"),
    (MergeCommand("a", "b"), "link", "a, b"),
    (DeleteCommand(MODEL), "retire", MODEL),
    (RestoreCommand(MODEL), "retire", MODEL),
    (SetAliasCommand("m", "champion", "m@3"), "promote", "m@3"),
    (RemoveAliasCommand(MODEL, "champion"), "promote", MODEL),
    (ApproveCommand(MODEL, "release", "APPROVED"), "approve", MODEL),
    (RecordUsageCommand(MODEL, "t", "2026-11-24", {}), "update", MODEL),
    (OpenIncidentCommand(("a", "b"), "late", "HIGH"), "update", "a, b"),
    (ResolveIncidentCommand("i"), "update", "i"),
    (PlanChangeCommand(("a", "b"), "move", (1, 1), 20), "update", "a, b"),
    (AcknowledgeChangeCommand("p", "t", "AGREED"), "update", "p"),
    (CloseChangePlanCommand("p", "DONE"), "update", "p"),
]


@pytest.mark.parametrize(("item", "action", "urn"), DENIED_WRITES)
async def test_a_denied_write_is_logged_with_its_action_and_asset(item: Command, action: str, urn: str) -> None:
    """The access log names the right that was missing, the id that it is about, and the reason."""
    operation = Operation(DENIED)
    await write(operation.info, [item])
    assert operation.refused == {(action, urn, ("Team ads owns it.",)): 1}


async def test_many_denials_are_reported_in_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch of events may have 24,000 commands that are all denied."""
    operation, calls = Operation(*[DENIED] * 5), UnpausedCalls(monkeypatch)
    calls.observe(PolicyReport, "report_refused")
    await write(operation.info, [REGISTER] * 5)
    assert (sum(operation.refused.values()), calls.longest) == (5, 1)


async def test_a_conflict_is_not_logged_as_denied() -> None:
    """The policy had no part in it."""
    conflict = refused(Outcome.CONFLICT, MutationErrorCode.CONFLICT, "Revision 4.")
    operation = Operation(conflict)
    await write(operation.info, [REGISTER])
    assert operation.refused == {}


async def test_hidden_ids_are_logged() -> None:
    """An id that the caller named and may not know is recorded once, and not shown to the caller."""
    operation = Operation(replace(CREATED, hidden_ids=("h1", "h2")), replace(CREATED, hidden_ids=("h1",)))
    outcomes: list[Any] = await write(operation.info, [REGISTER, REGISTER])
    assert list(operation.context.policy_report.absent) == ["h1", "h2"]
    assert outcomes[0] == CREATED
