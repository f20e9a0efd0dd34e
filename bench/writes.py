"""Measures registrations of versions with five edges, and reads back each of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from bench.items import Item, new_version
from bench.measure import Answer, Client, Request, Sample
from bench.oracle import registered
from bench.questions import REGISTER, REGISTERED
from bench.results import Key
from bench.run import Run

CONNECTIONS: Final = frozenset({1, 8})
"""Connections over which versions are registered, of those of the run."""

CALLER: Final = "ada"
WARM_UP: Final = 40
_READ_BACK: Final = 100


@dataclass
class Registrations:
    """The registrations on one server, each of another version."""

    client: Client
    sent: list[Item] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._numbers = count(1)
        self.answer = Answer("register", {"registerModelVersion": {"outcome": "CREATED", "errors": []}})

    def next(self) -> Request:
        """Return the request that registers the next version."""
        item = new_version(next(self._numbers))
        self.sent.append(item)
        return self._request(REGISTER, {"input": item})

    async def read_back(self) -> None:
        """Raise WrongAnswerError unless all versions are stored with their edges."""
        for start in range(0, len(self.sent), _READ_BACK):
            versions = self.sent[start : start + _READ_BACK]
            request = self._request(REGISTERED, {"ids": [each["id"] for each in versions]})
            Answer("registered versions", registered(versions)).check(*await self.client.send(request))

    def _request(self, document: str, variables: dict[str, object]) -> Request:
        return Request.of(document, variables, self.client.server.tokens[CALLER])


async def measure_registrations(estate: str, clients: Sequence[Client], run: Run) -> None:
    """Measure registrations with the sides in turn, and compare what is stored then."""
    sides = [Registrations(client) for client in clients]
    for each in sides:
        await each.client.repeat(each.next, each.answer, 0, WARM_UP)
    connections = sorted(CONNECTIONS & {*run.options.connections}) or [min(run.options.connections)]
    task = run.progress.add_task("register", total=len(connections) * run.options.slices)
    for number in connections:
        totals = {each.client.server.side.name: Sample() for each in sides}
        for _ in range(run.options.slices):
            for each in sides:
                found = await each.client.slice(each.next, each.answer, number, run.options.seconds)
                totals[each.client.server.side.name].add(found)
            run.progress.advance(task)
        figures = {side: total.figures() for side, total in totals.items()}
        run.add(Key(estate, "register", CALLER, number), figures)
    run.progress.remove_task(task)
    for each in sides:
        await each.read_back()
