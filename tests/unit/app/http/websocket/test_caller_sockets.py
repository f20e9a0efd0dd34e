"""What the sockets of one caller share: the maximum of what their clients have not taken."""

import asyncio
from dataclasses import dataclass
from weakref import ref

import pytest
from structlog.testing import capture_logs

from app.http.websocket import caller_sockets
from app.http.websocket.caller_sockets import CallerSockets

PATIENCE = 30.0
"""Seconds after which a wait that should have ended has failed."""


@dataclass(eq=False)
class Socket:
    """A socket whose client has not taken some bytes."""

    untaken: int = 0
    is_gone: bool = False


@pytest.fixture(autouse=True)
def few_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ten bytes be too much, and sockets look at them in each iteration of the event loop."""
    monkeypatch.setattr(caller_sockets, "MAX_UNTAKEN", 10)
    monkeypatch.setattr(caller_sockets, "LOOK_SECONDS", 0)


def test_a_message_counts_until_its_last_byte_is_taken() -> None:
    """One byte less is not too much; what was taken, or was lost with its client, counts no longer."""
    caller, one, two = CallerSockets(), Socket(1), Socket(1)
    caller.sent(one, 4)
    caller.sent(two, 5)
    caller.sent(Socket(0), 100)
    assert not caller.are_behind
    two.untaken = 2
    caller.sent(two, 1)
    assert caller.are_behind
    two.untaken = 1  # of the last message
    assert not caller.are_behind
    two.untaken = 6
    caller.sent(two, 5)
    assert caller.are_behind
    one.untaken = 0
    assert not caller.are_behind
    one.untaken = 4
    assert not caller.are_behind  # until it is sent a message again
    caller.sent(one, 4)
    assert caller.are_behind


def test_a_message_of_which_little_is_left_counts_beside_the_next_one() -> None:
    """A client that takes all but a byte of each long message keeps one of them beside the next, and no more."""
    caller, socket = CallerSockets(), Socket(1)
    caller.sent(socket, 9)
    assert not caller.are_behind
    socket.untaken = 4
    caller.sent(socket, 3)
    assert caller.are_behind
    for _ in range(100):
        caller.sent(socket, 3)
    assert not caller.are_behind


def test_a_socket_is_not_kept() -> None:
    """A socket that is gone counts no longer, and nothing of it stays in memory."""
    caller, socket = CallerSockets(), Socket(1)
    caller.sent(socket, 10)
    gone = ref(socket)
    del socket
    assert (gone(), caller.are_behind) == (None, False)


async def test_a_socket_waits_until_the_clients_have_taken_enough() -> None:
    """All that wait go on; one that is cancelled holds up no other."""
    caller, socket = CallerSockets(), Socket(1)
    await caller.wait(socket)
    caller.sent(socket, 10)
    waiting = [asyncio.ensure_future(caller.wait(Socket())) for _ in range(3)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not any(each.done() for each in waiting)
    waiting[0].cancel()
    socket.untaken = 0
    await asyncio.wait(waiting)
    assert [each.cancelled() for each in waiting] == [True, False, False]


async def test_who_leaves_waits_no_longer() -> None:
    """Each of several ends its wait when its own client leaves, also while another one of them looks."""
    caller, socket = CallerSockets(), Socket(1)
    caller.sent(socket, 10)
    leaving = [Socket() for _ in range(3)]
    waiting = [asyncio.ensure_future(caller.wait(each)) for each in leaving]
    for index in (2, 0, 1):
        await asyncio.sleep(0)
        leaving[index].is_gone = True
        await asyncio.wait_for(waiting[index], PATIENCE)
    assert caller.are_behind


async def test_the_log_has_the_caller_once() -> None:
    """Operators see whose clients take too little, and each further wait does not fill the log."""
    caller, socket = CallerSockets("acme", "ada"), Socket(1)
    with capture_logs() as logs:
        for _ in range(2):
            caller.sent(socket, 10)
            waiting = asyncio.ensure_future(caller.wait(Socket()))
            await asyncio.sleep(0)
            socket.untaken = 0
            await waiting
            socket.untaken = 1
    assert logs == [{"event": "events_wait_for_clients", "tenant": "acme", "caller": "ada", "log_level": "warning"}]
