"""Ends an operation at its deadline, when it exceeds its budget, or when its client has disconnected."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from functools import partial
from types import TracebackType
from typing import Final, Protocol, TypeVar

from starlette.requests import ClientDisconnect

from app.http.connections.departure import Departure
from app.http.graphql.graphql_request import RequestLimits
from graphql_schema.execution.failed_frames import forget_failed, forget_frames
from graphql_schema.ports.turns.gradual_release import RELEASE
from policies.errors import Code, CodedError, LimitError

ResultT = TypeVar("ResultT")

SECONDS: Final = "seconds"
"""The name of the limit on the time of an operation, in the error at its deadline."""

RESTS: Final = 10
"""Number of rests after the last request of an ended operation, until its loaders have ended: they raise its error,
too. The event loop may be late for one rest, such as in a process that was paused; loaders go on between the others.
"""

REST_SECONDS: Final = 0.05
"""Seconds of one rest."""


class Endable(Protocol):
    """The budget of an operation, as far as this module uses it."""

    writes: bool
    """Whether the operation is a mutation; known from the start of its execution."""

    operation: tuple[str, str | None] | None
    """Type and name of the operation; None before its execution."""

    rows: int
    """Number of edges and records read."""

    items: int
    """Number of elements of lists in the response."""

    characters: int
    """Number of characters of texts and keys in the response."""

    values: int
    """Number of values in the response."""

    cuts: set[str]
    """Names of the limits that ended lineage queries."""

    is_partial: bool
    """Whether something in its lineage is hidden, and this is disclosed."""

    def count_response(self, size: int) -> None:
        """Charge bytes of the response until it is sent; raises `CodedError`, the error that takes its place."""

    def response_sent(self) -> None:
        """Charge no bytes of the response any more."""

    @property
    def has_read_much(self) -> bool:
        """Whether what the operation has read, and made of it, should be freed in turns."""

    def cancel_with(self, cancel: Callable[[], object] | None) -> None:
        """Call ``cancel`` when `end` cancels the operation."""

    def after_requests(self, call: Callable[[], object]) -> None:
        """Call a function as soon as the store works on no request of the operation."""

    @property
    def ended(self) -> CodedError | None:
        """The error that ended the operation, or None."""

    def end(self, error: CodedError, *, is_unread: bool = False) -> None:
        """End the operation: it begins no further read or transaction of the store.

        A query is cancelled. So is the response of a mutation if the client has left (``is_unread``).
        """


async def watched(
    departure: Departure, operation: Coroutine[object, object, ResultT], budget: Endable, limits: RequestLimits
) -> ResultT:
    """Return the result of an operation; end it at its deadline, or when its client leaves.

    A query that is ended, also by its budget, is cancelled. A mutation that is ended completes the current transaction
    and starts no other; its result has errors for what it did not do. If its client has left, it makes no response.
    Raises ClientDisconnect if the client has left, and the error that ended a query. The watch over the client goes on:
    the response is still to be made.
    """
    running = asyncio.create_task(operation)
    leaving = departure.watch()
    budget.cancel_with(running.cancel)
    try:
        await _first_of(running, leaving, limits.query_seconds)
        if budget.writes:
            await _first_of(running, leaving, limits.mutation_seconds - limits.query_seconds)
        if not running.done() and not leaving.done():
            budget.end(_late_error(limits, writes=budget.writes))
            await _first_of(running, leaving, None)
        gone = not running.done() and leaving.done()
        if gone:
            budget.end(_departed_error(), is_unread=True)
            await asyncio.wait({running})
        if gone:
            raise ClientDisconnect
        if budget.ended is not None and (running.cancelled() or not budget.writes):
            raise budget.ended
        return running.result()
    finally:
        budget.cancel_with(None)  # else the context, by its budget, keeps the result until a garbage collection
        running.cancel()
        ended, is_much = budget.ended, budget.has_read_much
        _free([*forget_failed([running]), *forget_frames(ended)], in_turns=is_much)
        if ended is not None:
            forget = partial(_forget, ended, in_turns=is_much)
            budget.after_requests(partial(_rest, asyncio.get_running_loop(), RESTS, forget))


def _rest(loop: asyncio.AbstractEventLoop, count: int, call: Callable[[], object]) -> None:
    """Call a function after a number of rests."""
    if count:
        loop.call_later(REST_SECONDS, _rest, loop, count - 1, call)
    else:
        call()


def _forget(error: CodedError, *, in_turns: bool) -> None:
    """Forget the frames of an error that ended an operation, and which its loaders have raised since."""
    _free(forget_frames(error), in_turns=in_turns)


def _free(frames: Iterable[TracebackType], *, in_turns: bool) -> None:
    """Free frames of an ended operation, which lead to all that it made."""
    if in_turns:
        RELEASE.free([*frames])


async def _first_of(running: asyncio.Task[ResultT], leaving: asyncio.Task[None], seconds: float | None) -> None:
    """Return when the operation is done, its client has left, or after some seconds, if any."""
    if not running.done() and not leaving.done():
        await asyncio.wait({running, leaving}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)


def _late_error(limits: RequestLimits, *, writes: bool) -> LimitError:
    seconds = limits.mutation_seconds if writes else limits.query_seconds
    advice = (
        "Some of it may be written: read the state, then send what is missing, in smaller parts."
        if writes
        else "Use a smaller `first`, select less, or split the operation into several requests."
    )
    return LimitError(f"The operation took longer than {seconds:g} s. {advice}", limit=SECONDS, maximum=seconds)


def _departed_error() -> CodedError:
    return CodedError("The client closed the connection before the response.", Code.BAD_REQUEST)
