"""What the sockets of one caller share: the maximum of what their clients have not taken."""

import asyncio
from dataclasses import dataclass
from weakref import ref

import pytest

from app.http.websocket import caller_sockets
from app.http.websocket.caller_sockets import CallerSockets


@dataclass(eq=False)
class Socket:
    """A socket whose client has not taken some bytes."""

    untaken: int = 0


@pytest.fixture(autouse=True)
def few_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ten bytes be too much, and sockets look at them in each iteration of the event loop."""
    monkeypatch.setattr(caller_sockets, "MAX_UNTAKEN", 10)
    monkeypatch.setattr(caller_sockets, "LOOK_SECONDS", 0)


def test_a_message_counts_as_a_whole_until_its_last_byte_is_taken() -> None:
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
    await caller.wait()
    caller.sent(socket, 10)
    waiting = [asyncio.ensure_future(caller.wait()) for _ in range(3)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not any(each.done() for each in waiting)
    waiting[0].cancel()
    socket.untaken = 0
    await asyncio.wait(waiting)
    assert [each.cancelled() for each in waiting] == [True, False, False]
