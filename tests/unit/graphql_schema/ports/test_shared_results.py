"""Results that several readers share."""

import asyncio

import pytest

from graphql_schema.ports.shared_results import ReadRange, SharedResults


class Source:
    """Makes results when it is let, and counts them."""

    def __init__(self) -> None:
        self.made = 0
        self.ready = asyncio.Event()
        self.error: Exception | None = None

    async def make(self) -> int:
        """Return the number of results made so far."""
        self.made += 1
        await self.ready.wait()
        if self.error is not None:
            raise self.error
        return self.made


async def test_equal_keys_share_one_result() -> None:
    """A result is made once for all who wait, and for those who come later; another key has another result."""
    source, results = Source(), SharedResults()
    waiting = [asyncio.create_task(results.get(("a", 1), source.make)) for _ in range(3)]
    source.ready.set()
    assert await asyncio.gather(*waiting) == [1, 1, 1]
    assert await results.get(("a", 1), source.make) == 1
    assert await results.get(("a", 2), source.make) == 2


async def test_an_error_is_raised_to_all_and_not_kept() -> None:
    """All who wait get the error; who comes later tries again."""
    source, results = Source(), SharedResults()
    source.error = ValueError("none")
    source.ready.set()
    found = await asyncio.gather(*(results.get("a", source.make) for _ in range(2)), return_exceptions=True)
    assert [type(each) for each in found] == [ValueError, ValueError]
    assert source.made == 1
    source.error = None
    assert await results.get("a", source.make) == 2


async def test_a_result_is_made_after_a_pause() -> None:
    """The pause is awaited for each result that is made, and not for each reader; its error is that of the result."""
    paused = list[Exception]()

    async def pause() -> None:
        for error in paused:
            raise error

    source, results = Source(), SharedResults(pause)
    source.ready.set()
    assert await results.get("a", source.make) == 1
    paused.append(ValueError("ended"))
    assert await results.get("a", source.make) == 1
    with pytest.raises(ValueError, match="ended"):
        await results.get("b", source.make)
    assert source.made == 1


async def test_one_reader_that_leaves_does_not_end_the_result() -> None:
    """The cancellation of one reader leaves the result to the others."""
    source, results = Source(), SharedResults()
    leaving, staying = (asyncio.create_task(results.get("a", source.make)) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    source.ready.set()
    assert await staying == 1
    with pytest.raises(asyncio.CancelledError):
        await leaving


async def test_what_is_made_for_no_reader_is_cancelled() -> None:
    """After the end of an operation no result is being made; what was made is still known."""
    source, results, others = Source(), SharedResults(), asyncio.all_tasks()
    source.ready.set()
    assert await results.get("made", source.make) == 1
    source.ready.clear()
    leaving = asyncio.create_task(results.get("a", source.make))
    await asyncio.sleep(0)
    begun = asyncio.all_tasks() - others
    assert len(begun) == 2
    leaving.cancel()
    results.cancel()
    await asyncio.gather(*begun, return_exceptions=True)
    assert asyncio.all_tasks() <= others
    assert await results.get("made", source.make) == 1


async def test_the_last_reader_that_leaves_ends_the_result() -> None:
    """A subscription that ends while its event is made leaves no work behind; the next reader has it made anew."""
    source, results, others = Source(), SharedResults(), asyncio.all_tasks()
    leaving = [asyncio.create_task(results.get("a", source.make)) for _ in range(2)]
    await asyncio.sleep(0)
    (begun,) = asyncio.all_tasks() - others - {*leaving}
    for task in leaving:
        assert not begun.cancelling()
        task.cancel()
        await asyncio.sleep(0)
    next_one = asyncio.create_task(results.get("a", source.make))
    await asyncio.gather(begun, *leaving, return_exceptions=True)
    assert begun.cancelled()
    source.ready.set()
    assert await next_one == await results.get("a", source.make)
    assert asyncio.all_tasks() <= others | {next_one}


@pytest.mark.parametrize(
    ("position", "covered"),
    [((1, "z"), False), ((2, "a"), True), ((3, "z"), True), ((4, "a"), False), ((9, "a"), False)],
)
def test_a_read_range_covers_what_follows_a_position(position: tuple[int, str], *, covered: bool) -> None:
    """A batch is used from its begin up to its last record; the records after that are not in it."""
    assert ReadRange((2, "a"), (4, "a"), 20).covers(position) is covered
    assert ReadRange((2, "a"), None, 20).covers(position) is (position >= (2, "a"))
