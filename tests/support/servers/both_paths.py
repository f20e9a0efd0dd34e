"""One running API, asked twice: with queries executed by graphql-core alone, and over vectors."""

import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from traceback import extract_tb
from typing import Any
from unittest.mock import patch

import httpx2
import orjson
from support.servers.in_process import Api

from app.graph.records.clock import epoch_milliseconds
from graphql_schema.execution.plan import Plans
from graphql_schema.fields.context import Context

_INTROSPECTION = re.compile(r"\b__(schema|type)\b")
"""What only graphql-core reads."""


@dataclass(frozen=True)
class Reply:
    """The bytes of a response with its status and headers, and the events that the access log has of it."""

    status: int
    headers: tuple[tuple[str, str], ...]
    content: bytes
    logged: Mapping[str, tuple[str, ...]]

    @property
    def body(self) -> dict[str, Any]:
        """Return the body as JSON."""
        found: dict[str, Any] = orjson.loads(self.content)
        return found

    def __str__(self) -> str:
        """Return everything as one text."""
        return f"{self.status} {self.headers} {self.content.decode()} {dict(self.logged)}"


@dataclass
class BothPaths:
    """Sends each request on both paths, and records the requests whose replies differ.

    Both read everything from the store, so that they do the same work. If ``warm``, a flag, the vectors also read over
    the graph cache, which keeps what earlier requests left there. ``planned`` counts the queries that began over
    vectors. ``again`` has the reasons why graphql-core executed some of them again. ``needless`` has those of replies
    without an error.
    """

    api: Api
    warm: bool = False
    requested: int = 0
    planned: int = 0
    again: Counter[str] = field(default_factory=Counter)
    needless: dict[str, str] = field(default_factory=dict)
    differing: list[str] = field(default_factory=list)
    _reasons: list[str] = field(default_factory=list)
    _began: int = 0

    async def ask(self, who: str, query: str, variables: Mapping[str, Any], **headers: str) -> Reply:
        """Send a request on all paths; return the reply of graphql-core."""
        text = f"{who} {headers}: {query}\n{dict(variables)}"
        with self.api.without_cache():  # what is known already would be another amount of work
            stock = await self._reply(who, query, variables, headers, vectored=False)
            planned = await self._reply(who, query, variables, headers, vectored=True)
        self.requested += 1
        self.planned += self._began
        self.again.update(self._reasons)
        if self._reasons and b'"errors":[' not in stock.content and not _INTROSPECTION.search(query):
            self.needless.setdefault(self._reasons[0], text)
        self._compare(text, stock, "vectors", planned)
        if self.warm:
            reply = await self._reply(who, query, variables, headers, vectored=True)
            self._compare(text, stock, "vectors over the cache", reply)
        return stock

    def _compare(self, text: str, stock: Reply, path: str, reply: Reply) -> None:
        if stock != reply:
            self.differing.append(f"{text}\n{path}\n{difference(str(stock), str(reply))}")
            sys.stdout.write(f"{self.differing[-1]}\n")  # at once: a long run may be interrupted
            sys.stdout.flush()

    async def _reply(
        self, who: str, query: str, variables: Mapping[str, Any], headers: Mapping[str, str], *, vectored: bool
    ) -> Reply:
        self.api.contexts.vectored = vectored
        self._reasons.clear()
        self._began = 0
        sent = {"Authorization": f"Bearer {self.api.tokens[who]}", "X-Request-Id": "paths", **headers}
        path = self.api.process.settings.data_dir / "access.jsonl"
        before = path.stat().st_size if path.exists() else 0
        content = orjson.dumps({"query": query, "variables": dict(variables)})
        sent["Content-Type"] = "application/json"
        response = await self.api.http.post("/graphql", content=content, headers=sent)
        return Reply(response.status_code, _headers(response), response.content, _logged(path, before))

    @contextmanager
    def observed(self) -> Iterator[None]:
        """Count the queries over vectors, and why some are executed again; the clock is stopped meanwhile."""
        restart, root = Context.restart, Plans.root
        stopped = epoch_milliseconds() + 3_600_000

        def counted(*given: Any) -> Any:
            self._began += 1
            return root(*given)

        def reasoned(context: Context) -> None:
            self._reasons.append(reason(sys.exception()))
            restart(context)

        with (
            patch.object(Plans, "root", counted),
            patch.object(Context, "restart", reasoned),
            patch.object(self.api.contexts, "clock", lambda: stopped),
            patch.object(self.api.contexts, "vectored", True),  # noqa: FBT003 - as declared
        ):
            yield


def reason(error: BaseException | None) -> str:
    """Return the class of an error with the place that raised it; of a group, those of its first error."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if error is None:
        return "no error"
    frames = extract_tb(error.__traceback__)
    place = f"{re.sub('.*/', '', frames[-1].filename)}:{frames[-1].name}" if frames else ""
    return f"{type(error).__name__} {place} {str(error)[:60]}"


def difference(one: str, other: str) -> str:
    """Return two texts from a little before their first difference."""
    pairs = enumerate(zip(one, other, strict=False))
    at = next((index for index, (a, b) in pairs if a != b), min(len(one), len(other)))
    return f"stock: {one[max(0, at - 200) : at + 300]}\nother: {other[max(0, at - 200) : at + 300]}"


def _headers(response: httpx2.Response) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(response.headers.items()))


def _logged(path: Any, before: int) -> dict[str, tuple[str, ...]]:
    """Return the ids of the events that were logged after a position of the file, by all else of the event."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    if path.exists():
        with path.open("rb") as file:
            file.seek(before)
            for line in map(orjson.loads, file):
                ids = line.pop("ids", [])
                del line["time"]
                found[orjson.dumps(line).decode()] += ids
    return {event: tuple(sorted(ids)) for event, ids in sorted(found.items())}
