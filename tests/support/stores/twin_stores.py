"""Pairs of running APIs over stores that differ only in data hidden from one caller, and one method to query both."""

import asyncio
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from math import inf
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest
from support.estates.estate_values import DOMAINS, HUSH, NOW, TAGS, TEAMS, USERS, VEIL
from support.estates.twin_estates import TWINS, Estate, TwinEstates
from support.servers.in_process import RunningApi, process_over
from support.stores.janusgraph import GraphHost, StoreGraph, open_graph
from support.stores.writers import Writers, person

from app.auth.dev_issuer import DevIssuer
from app.auth.personas import Persona, personas
from app.factory import create_app
from app.graph.commits.commit_log import CommitLog
from app.graph.records.clock import epoch_milliseconds
from app.graph.writing import plan_time
from app.settings import Settings
from app.store.schema_stamp import StoreSchema
from graphql_schema.catalog.relations import MEMBER_OF, PART_OF
from graphql_schema.ports.commands import DeclaredEdges, RegisterCommand
from policies.installation.disclosure import Disclosure
from policies.principal import Principal, PrincipalKind

MARK = re.compile(f"(?:{HUSH}|{VEIL})[0-9]+")
"""What is unique in a hidden value or id."""

LATER = epoch_milliseconds() + 86_400_000
"""The read time of both stores: the same instant, later than every write."""

CALLERS = {
    **personas(),
    "guest": Persona("guest", "", PrincipalKind.PERSON, "Guest", scopes=("graph:read", "graph:write")),
}
"""The callers for whom twin stores are made."""


@dataclass(frozen=True)
class Response:
    """The bytes of a response; the request id is fixed, so that nothing has to be masked."""

    status: int
    headers: tuple[tuple[str, str], ...]
    content: bytes

    @property
    def body(self) -> dict[str, Any]:
        """Return the body as JSON."""
        found: dict[str, Any] = orjson.loads(self.content)
        return found

    @property
    def text(self) -> str:
        """Return everything as one text to search in."""
        return f"{self.headers} {self.content.decode()}"


class UnspacedCommitLog(CommitLog):
    """Gives each change its own time as commit instant.

    A hidden change of one store does not move the other in time. Operations begin at ``fixed`` if it is not None, so
    that what both stores write has equal times and ids.
    """

    fixed: int | None = None

    def present(self, now: int) -> int:
        """See :class:`app.graph.commits.commit_log.CommitLog`."""
        return super().present(now) if self.fixed is None else self.fixed

    def instant(self, now: int, tenant: str) -> int:  # noqa: ARG002 - as the parent has it
        """See :class:`app.graph.commits.commit_log.CommitLog`."""
        return now


@dataclass
class Twin(RunningApi):
    """One running API over a store of its own."""

    def fix_time(self, instant: int) -> None:
        """Let operations begin at an instant, in epoch milliseconds."""
        commit_log = self.process.opened.contexts.coordinator.commit_log
        assert isinstance(commit_log, UnspacedCommitLog)
        commit_log.fixed = instant

    async def principal(self, who: str) -> Principal:
        """Return the principal of a persona in this API."""
        return await self.process.authenticator.authenticate(f"Bearer {self.tokens[who]}")

    async def post(self, who: str, body: Mapping[str, Any], **headers: str) -> Response:
        """Send one request."""
        sent = {"Authorization": f"Bearer {self.tokens[who]}", "X-Request-Id": "worlds", **headers}
        response = await self.http.post("/graphql", json=body, headers=sent)
        return Response(response.status_code, tuple(sorted(response.headers.items())), response.content)

    async def write(self, estate: Estate) -> None:
        """Register an estate by its authors and times: parents before children, then links, usage and plans."""
        writers = Writers(self.client, self.process.policy, self.coordinator)
        turns: dict[tuple[int, str, int], list[RegisterCommand]] = defaultdict(list)
        observed: set[str] = set()
        for subject, time, item in estate.registered:
            turn = 2 if item.urn in observed else int("-version/" in item.urn or "://feature/" in item.urn)
            turns[turn, subject, time].append(item)
            observed.add(item.urn)
        for (_, subject, time), items in sorted(turns.items(), key=lambda pair: pair[0]):
            await _written(writers, subject, time, items)
        await _written(writers, "root", NOW, estate.links)
        await _written(writers, "root", epoch_milliseconds(), estate.uses)
        await _written(writers, "root", NOW + 2, estate.plans)


async def _written(writers: Writers, subject: str, time: int, items: list[Any]) -> None:
    writer = writers.of(person(subject, roles="admin auditor"), now=time)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan_time, "PLAN_SECONDS", inf)  # a further transaction would have the same instants
        done = await writer.write(items, dry_run=False, atomic=False)
    refused = [one for one in done if one.errors]
    assert not refused, refused[:3]


@dataclass
class Twins:
    """Two twin stores for one caller. ``apart`` is the description that both are made from."""

    who: str
    estates: TwinEstates
    pair: tuple[Twin, Twin]
    log: Path
    requested: int = 0
    written: int = 0
    differing: list[str] = field(default_factory=list)
    leaking: list[str] = field(default_factory=list)

    async def ask(self, query: str, variables: Mapping[str, Any] | None = None, **headers: str) -> Response:
        """Send the same query to both stores and record differences and leaks; return the response of the first."""
        body = {"query": query, "variables": dict(variables or {})}
        one, other = await asyncio.gather(*(twin.post(self.who, body, **headers) for twin in self.pair))
        self.requested += 1
        if one != other:
            self.differing.append(f"{query}\n{body['variables']} {headers}\n{_difference(one.text, other.text)}")
        stated = set(MARK.findall(orjson.dumps(body).decode()))
        for response in (one, other):
            reported = set(MARK.findall(response.text)) - stated
            if reported:
                self.leaking.append(f"{sorted(reported)}: {query}\n{response.text}")
        return one

    async def write(self, query: str, variables: Mapping[str, Any]) -> Response:
        """Send the same mutation to both stores, which write it at the same instant, later than those before."""
        self.written += 1
        for twin in self.pair:
            twin.fix_time(LATER + self.written)
        return await self.ask(query, variables)


class TwinTransport(httpx2.AsyncBaseTransport):
    """Sends the requests of a client of the API to both stores, and returns the response of the first."""

    def __init__(self, twins: Twins) -> None:
        """Send to ``twins``."""
        self._twins = twins

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Return the response of the first store."""
        body = orjson.loads(await request.aread())
        found = await self._twins.write(body["query"], body["variables"])
        return httpx2.Response(found.status, headers={"Content-Type": "application/json"}, content=found.content)


def _difference(one: str, other: str) -> str:
    """Return the place where two texts begin to differ."""
    at = next((index for index, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), 0)
    return "\n".join(f"…{text[max(0, at - 300) : at + 300]}" for text in (one, other))


@asynccontextmanager
async def open_twin(graph: StoreGraph, folder: Path, log: Path) -> AsyncIterator[Twin]:
    """Run the API over a graph; stores that share a folder share their keys, hence tokens and cursors."""
    settings = Settings.from_env({"MLG_DATA_DIR": str(folder), "MLG_ACCESS_LOG": str(log)})
    process = process_over(settings, graph)
    app = create_app(process)
    issuer = DevIssuer(settings)
    async with app.router.lifespan_context(app):
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000", timeout=120) as http:
            contexts = process.opened.contexts
            contexts.coordinator = replace(contexts.coordinator, commit_log=UnspacedCommitLog())
            contexts.disclosure, contexts.clock = Disclosure.NONE, lambda: LATER
            twin = Twin(process, http, {name: issuer.mint(each, now=None) for name, each in CALLERS.items()})
            await twin.write(Estate([("root", NOW, item) for item in _vocabulary()]))
            yield twin


@asynccontextmanager
async def open_twins(who: str, seed: int, host: GraphHost, schema: StoreSchema, folder: Path) -> AsyncIterator[Twins]:
    """Open the two stores of a caller and fill them."""
    log = folder / f"{who}.jsonl"
    async with AsyncExitStack() as stack:
        twins = []
        for name in TWINS:
            graph = await stack.enter_async_context(open_graph(host, schema, folder / f"{who}-{name}"))
            twins.append(await stack.enter_async_context(open_twin(graph, folder, log)))
        for twin in twins:
            twin.tokens = twins[0].tokens
        access = twins[0].process.policy.access(await twins[0].principal(who))
        apart = TwinEstates(seed, access, twins[0].process.schema.core)
        for name, twin in zip(TWINS, twins, strict=True):
            await twin.write(apart.estates[name])
        for twin in twins:
            await twin.wait_for_jobs()
        log.unlink(missing_ok=True)
        yield Twins(who, apart, (twins[0], twins[1]), log)


def _vocabulary() -> list[RegisterCommand]:
    """Return teams, users, tags and business areas, visible to every caller and equal in all stores."""
    plain = [RegisterCommand(urn, {"description": f"About {urn}"}) for urn in (*TEAMS, *USERS, *DOMAINS)]
    tags = [RegisterCommand(urn, {"tagKind": "FREE", "propagates": False}) for urn in TAGS]
    above = DeclaredEdges(PART_OF.out("Team"), "Team.parent", {TEAMS[-1]: {}})
    members = DeclaredEdges(MEMBER_OF.into("User"), "Team.members", {urn: {"role": "member"} for urn in USERS})
    return [*tags, *plain, RegisterCommand(TEAMS[0], {}, (above, members))]
