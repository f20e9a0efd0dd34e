"""The queue of writers: which batches go into the next transaction."""

import asyncio
from dataclasses import dataclass

from app.graph.commits.write_queue import (
    MAX_CONTENDED_EDGES,
    MAX_CONTENDED_ITEMS,
    MAX_CONTENDED_TEXT,
    MAX_GROUP_EDGES,
    MAX_GROUP_ITEMS,
    MAX_GROUP_TEXT,
    QueuedWrite,
    WriteQueue,
)


@dataclass(eq=False, kw_only=True)
class Batch(QueuedWrite):
    """A batch with a name, whose call may have ended."""

    name: str
    ended: bool = False

    @property
    def is_over(self) -> bool:
        """See :class:`app.graph.commits.write_queue.QueuedWrite`."""
        return self.ended


def batch(name: str, items: int = 1, edges: int = 1, tenant: str = "default") -> Batch:
    """Return a batch; the letters of its name are its caller."""
    caller = name.rstrip("0123456789")
    return Batch(tenant=tenant, caller=caller, item_count=items, edge_count=edges, name=name)


def taken(*batches: Batch, is_contended: bool = False) -> list[str]:
    """Return the transactions that take these batches, each as its names."""
    queue = WriteQueue()
    for each in batches:
        queue.add(each)
    found = []
    while queue:
        found.append(_names(queue.take(is_contended=is_contended)))
    return found


def _names(transaction: list[QueuedWrite]) -> str:
    return " ".join(each.name for each in transaction if isinstance(each, Batch))


def test_all_that_wait_are_taken_in_the_order_of_their_arrival() -> None:
    """Calls of any callers go together; an empty queue has no transaction."""
    assert taken(batch("ada1"), batch("bo1"), batch("ada2"), batch("cy1")) == ["ada1 bo1 ada2 cy1"]
    assert WriteQueue().take() == []


def test_tenants_are_never_in_one_transaction() -> None:
    """The oldest batch decides the tenant; the other tenant is next, whatever arrives later."""
    other = batch("ada2", tenant="other")
    assert taken(batch("ada1"), other, batch("bo1")) == ["ada1 bo1", "ada2"]


def test_small_calls_go_with_the_next_transaction_beside_large_ones() -> None:
    """A large batch in front does not displace the small ones; further large ones wait."""
    large = [batch(f"bulk{number}", items=MAX_GROUP_ITEMS) for number in range(3)]
    assert taken(*large, batch("ada1"), batch("bo1")) == ["bulk0 ada1 bo1", "bulk1 bulk2"]


def test_a_caller_with_many_calls_does_not_displace_the_others() -> None:
    """One batch of every caller comes before a second one of any."""
    many = [batch(f"bulk{number}", items=MAX_GROUP_ITEMS // 2) for number in range(4)]
    assert taken(*many, batch("ada1", items=MAX_GROUP_ITEMS // 2))[0] == "bulk0 bulk1 ada1"


def test_a_caller_with_many_long_calls_does_not_let_the_others_wait_for_all() -> None:
    """A batch that arrives during the first one of another caller is next, though that caller has older ones."""
    queue = WriteQueue()
    for number in range(4):
        long = batch(f"bulk{number}")
        long.alone = True
        queue.add(long)
    order = [queue.take()]
    for name in ("ada1", "bo1"):
        late = batch(name)
        late.alone = True
        queue.add(late)
        order.append(queue.take())
    while queue:
        order.append(queue.take())
    assert [_names(some) for some in order] == ["bulk0", "ada1", "bulk1", "bo1", "bulk2", "bulk3"]


def test_who_began_the_last_transaction_is_behind_who_arrives_during_it() -> None:
    """A bulk whose next batch arrives at once has no turn before the calls of others, though none of it waited."""
    queue = WriteQueue()
    for name in ("bulk1", "bulk2", "ada1", "bulk3"):
        each = batch(name)
        each.alone = True
        queue.add(each)
        if name == "bulk1":
            assert _names(queue.take()) == name
    assert [_names(queue.take()) for _ in range(3)] == ["ada1", "bulk2", "bulk3"]


def test_what_is_put_back_is_the_oldest_except_of_the_caller_who_took_long() -> None:
    """That caller is behind all who wait, with all batches in their order, and has a turn before who comes later."""
    queue = WriteQueue()
    for name in ("bulk1", "bulk2", "ada1"):
        queue.add(batch(name))
    first = queue.take()
    for name in ("bo1", "bulk3"):
        queue.add(batch(name))
    queue.put_back(first[1:], first[0])
    second = queue.take()
    assert _names(second) == "ada1 bo1 bulk2 bulk3"
    queue.add(batch("cy1"))
    queue.put_back(second[1:], second[0])
    third = queue.take()
    assert _names(third) == "bo1 bulk2 bulk3 cy1"
    queue.put_back(third[1:], third[0])
    alone = batch("di1")
    alone.alone = True
    queue.add(alone)
    assert [_names(queue.take()) for _ in range(2)] == ["bulk2 bulk3 cy1", "di1"]


def test_the_oldest_batch_is_always_taken() -> None:
    """Small calls that keep arriving cannot hold up a large one, which is the oldest next time."""
    assert taken(batch("bulk1", items=10 * MAX_GROUP_ITEMS), batch("ada1")) == ["bulk1 ada1"]
    assert taken(batch("ada1"), batch("bulk1", items=10 * MAX_GROUP_ITEMS), batch("bo1")) == ["ada1 bo1", "bulk1"]


def test_the_edges_of_a_transaction_are_bounded() -> None:
    """A batch whose edges do not fit waits for the next transaction."""
    heavy = [batch(f"{name}1", edges=MAX_GROUP_EDGES) for name in ("ada", "bo", "cy")]
    assert taken(*heavy) == ["ada1 bo1", "cy1"]


def test_the_texts_of_a_transaction_are_bounded() -> None:
    """A batch whose descriptions do not fit waits, because all others would wait until their words are found."""
    long = [batch(f"{name}1") for name in ("ada", "bo", "cy")]
    for each in long:
        each.text_length = MAX_GROUP_TEXT
    assert taken(*long, batch("di1")) == ["ada1 bo1 di1", "cy1"]


def test_long_calls_are_in_no_transaction_with_others_while_several_callers_write() -> None:
    """Who writes little waits for one long batch, not for three; it may join that one, and is alone before the next."""
    long = [batch(f"bulk{number}", edges=MAX_CONTENDED_EDGES + 1) for number in range(3)]
    assert taken(*long, batch("ada1"), is_contended=True) == ["bulk0 ada1", "bulk1", "bulk2"]
    assert taken(batch("ada1"), *long[:1], batch("bo1"), is_contended=True) == ["ada1 bo1", "bulk0"]
    assert taken(batch("ada1"), batch("bo1", edges=MAX_CONTENDED_EDGES), is_contended=True) == ["ada1 bo1"]
    assert taken(*long, batch("ada1")) == ["bulk0 bulk1 bulk2 ada1"]


def test_long_texts_are_in_no_transaction_with_others_while_several_callers_write() -> None:
    """Who writes little is not behind the texts of a bulk whose caller had the last transaction."""
    queue, long = WriteQueue(), [batch(f"bulk{number}", items=20) for number in range(2)]
    for each in long:
        each.text_length = MAX_CONTENDED_TEXT + 1
        queue.add(each)
    assert _names(queue.take(is_contended=True)) == "bulk0"
    short = batch("bo1")
    short.text_length = MAX_CONTENDED_TEXT
    for each in (batch("ada1"), short):
        queue.add(each)
    assert [_names(queue.take(is_contended=True)) for _ in range(2)] == ["ada1 bo1", "bulk1"]


def test_each_caller_has_few_items_in_a_transaction_while_several_callers_write() -> None:
    """Four parts of one import take a transaction each then, and single calls go with the first of them."""
    parts = [batch(f"bulk{n}", items=MAX_CONTENDED_ITEMS) for n in range(3)]
    assert taken(*parts, batch("ada1"), is_contended=True) == ["bulk0 ada1", "bulk1", "bulk2"]
    assert taken(*parts, batch("ada1")) == ["bulk0 bulk1 bulk2 ada1"]
    small = [batch(f"bulk{n}", items=MAX_CONTENDED_ITEMS // 2) for n in range(3)]
    assert taken(*small, batch("ada1", items=MAX_CONTENDED_ITEMS + 1), is_contended=True) == [
        "bulk0 bulk1 ada1",
        "bulk2",
    ]


def test_batches_of_ended_calls_are_dropped() -> None:
    """A call that was cancelled while it waited leaves the queue with the next transaction."""
    gone = batch("ada1")
    gone.ended = True
    assert taken(gone, batch("bo1")) == ["bo1"]


async def test_the_leader_waits_for_more_batches() -> None:
    """The wait ends with the arrival of the last of them, those that wait already do not count, and it ends in time."""
    queue = WriteQueue()
    queue.add(batch("ada1"))
    waiting = asyncio.create_task(queue.gather(2, 300))
    await asyncio.sleep(0)
    queue.add(batch("bo1"))
    await asyncio.sleep(0)
    assert not waiting.done()
    queue.add(batch("cy1"))
    await waiting
    await queue.gather(1, 0)


def test_a_batch_that_must_be_alone_shares_its_transaction_with_no_other() -> None:
    """It is passed over until it is the oldest; batches before and after it go together."""
    first, alone, last = batch("a"), batch("b"), batch("c")
    alone.alone = True
    assert taken(first, alone, last) == ["a c", "b"]
