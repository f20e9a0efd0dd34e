"""How much a transaction may read, by the batches that share it."""

import pytest
from support.stores.in_memory_writer import ROOT, Memory
from support.stores.memory_store import Callers, MemoryStore
from support.stores.writers import asset, person

from app.graph.commits.reads.read_limits import DivisibleLimits, FewLimits, SharedLimits
from app.graph.commits.writer_contention import CONTENDED_TIME_SHARE, WriterContention
from app.graph.records.native.write_cost import JOB_COST, MAX_COST
from app.graph.writing.call_batch import CallBatch
from app.graph.writing.plan_time import PLAN_SECONDS
from app.graph.writing.transaction_limits import limits_of, part_of, read_much
from graphql_schema.ports.commands import Command
from policies.principal import Principal

ADA = person("ada", "team ranking", roles="engineer")
Call = tuple[Principal, list[Command], bool]
"""A caller, the items of a batch, and whether these are atomic."""

ONE: list[Command] = [asset("dataset a")]
TWO: list[Command] = [asset("dataset b"), asset("dataset c", derivedFrom=["dataset a"])]


def batches(memory: Memory, calls: list[Call]) -> list[CallBatch]:
    """Return the batches of calls."""
    callers = Callers(MemoryStore(memory))
    return [callers.batch(who, *items, atomic=atomic) for who, items, atomic in calls]


@pytest.mark.parametrize(
    ("calls", "limits"),
    [
        ([(ADA, ONE, False)], FewLimits),
        ([(ADA, TWO, True)], FewLimits),
        ([(ADA, TWO, False)], DivisibleLimits),
        ([(ADA, ONE, False)] * 2, DivisibleLimits),
    ],
)
async def test_what_cannot_be_divided_reads_few(memory: Memory, calls: list[Call], limits: type) -> None:
    """One item, or one atomic call, reads few; several calls of one caller read as many as one of several items."""
    assert type(limits_of(batches(memory, calls))) is limits


async def test_several_callers_read_as_much_as_they_name(memory: Memory) -> None:
    """Each item counts, and each asset to which it refers."""
    assert limits_of(batches(memory, [(ADA, ONE, False), (ROOT, TWO, False)])) == SharedLimits(4)


@pytest.mark.parametrize(("seconds", "much"), [(0.0755, False), (0.077, True)])
async def test_a_caller_for_whom_much_is_read_is_apart(memory: Memory, seconds: float, *, much: bool) -> None:
    """More than half of what a shared transaction may read, beside four elements for each asset that is named."""
    assert read_much(batches(memory, [(ADA, TWO, False)]), seconds) == much


async def test_a_call_has_a_share_of_a_transaction_while_others_write(memory: Memory) -> None:
    """Alone it may have all, and a job has the same part always."""
    own, of_job = batches(memory, [(ADA, TWO, False), (ADA, TWO, False)])
    of_job.of_job = True
    contention = WriterContention()
    with contention.call("ada"):
        assert [part_of(each, contention, MAX_COST) for each in (own, of_job)] == [
            (MAX_COST, PLAN_SECONDS),
            (JOB_COST, PLAN_SECONDS),
        ]
        with contention.call("bo"):
            assert [part_of(each, contention, MAX_COST) for each in (own, of_job)] == [
                (MAX_COST // CONTENDED_TIME_SHARE, PLAN_SECONDS / CONTENDED_TIME_SHARE),
                (JOB_COST, PLAN_SECONDS),
            ]
