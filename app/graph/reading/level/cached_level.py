"""One level read over the graph cache: cached entries are taken from there, and one request reads all others.

The level is evaluated hop by hop. The edges of some sources of a hop are in the cache; the other sources become a hop
of the request. So do the hops that start at far ends which only the response will have. The level is put
together from both, and the cache keeps what :class:`CachedHop` allows of the response.

A level with too many edges is not read this way: the caller reads it from the store as a whole. So is a level in which
the first edges of a vertex are too few for a page, because some of them begin later.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice

from app.graph.cache.fill import Fill
from app.graph.cache.generation import ListingKey, listing_key
from app.graph.cache.graph_cache import ABSENT, GraphCache
from app.graph.reading.level.cached_hop import EMPTY_BYTES, CachedHop, through
from app.graph.reading.level.hop_plan import SOURCES_GIVEN
from app.graph.reading.level.level_parts import LevelContent, LevelParts
from app.graph.records.merged_record import MERGED_INTO, target_of, targets_within
from app.graph.records.record_text import parts_of, record_of
from app.graph.records.vertex_id import vertex_id
from graphql_schema.execution.side_thread import run_in_turn
from graphql_schema.ports.lineage_query import LONG_LINEAGE
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.record import Json, JsonObject, Record

AT_ONCE = 2
"""Number of vertices that are looked up between two pauses; the cache frees up to MAX_FREED bytes for each."""

Send = Callable[[JsonObject], Awaitable[JsonObject]]
"""Sends the bindings ``points``, ``hops`` and ``listings`` of the level text, and returns the response."""


@dataclass(slots=True)
class _Missing:
    """The parts of a level that are not in the cache.

    ``vertices`` and ``hops`` are those of the request. ``listings`` are indexes among the listings of the level.
    ``owners`` has for each hop of the request the hop of the level that it reads for, and ``exact`` whether its edges
    are not kept in the cache.
    """

    vertices: list[int] = field(default_factory=list)
    hops: list[JsonObject] = field(default_factory=list)
    owners: list[CachedHop] = field(default_factory=list)
    exact: list[bool] = field(default_factory=list)
    listings: list[int] = field(default_factory=list)

    def add(self, owner: CachedHop, sources: Sequence[int], parent: int, *, exact: bool = False) -> None:
        """Add a hop of the request that reads for ``owner``, a hop of the level."""
        owner.remote.append(len(self.hops))
        self.hops.append(owner.wire(sources, parent, exact=exact))
        self.owners.append(owner)
        self.exact.append(exact or not owner.keeps)


class CachedLevel:
    """Reads one level; ``tenant`` is that of the caller, and ``budget`` lets other operations run during long work."""

    def __init__(self, cache: GraphCache, tenant: str, parts: LevelParts, budget: OperationBudget) -> None:
        self._cache = cache
        self._tenant = tenant
        self._parts = parts
        self._budget = budget
        self._hops: list[CachedHop] = []
        self._keys: list[ListingKey] = []
        self._listings: list[JsonObject | None] = []
        self._records: dict[int, Record] = {}
        self._weights: dict[int, int] = {}
        self._merged: list[int] = []
        self._missing = _Missing()

    async def read(self, send: Send) -> LevelContent | None:
        """Return the content of the level, None if it must be read as a whole.

        Call ``send`` at most once, and not if the cache has everything and no request of the level is fresh.
        """
        with self._cache.fill() as fill:
            if not await self._look_up():
                return None
            missing = self._missing
            if not (missing.hops or missing.vertices or missing.listings or self._parts.fresh):
                return await self._content(sent=False)
            listings = [self._parts.listings[number] for number in missing.listings]
            response = await send({"points": sorted(missing.vertices), "hops": missing.hops, "listings": listings})
            if response["over"] or not await self._take(response, fill):
                return None
        return await self._content(sent=True)

    async def _look_up(self) -> bool:
        """Take cached entries and record what is missing; return false if there are too many edges."""
        await self._look_up_listings()
        count = 0
        for number, hop in enumerate(self._parts.hops):
            state = CachedHop.of(hop, fresh=number in self._parts.fresh_hops)
            self._hops.append(state)
            sources, total = iter(self._sources(hop)), 0
            while chunk := list(islice(sources, AT_ONCE)):
                total += len(chunk)
                state.look_up(self._cache, chunk)
                await self._budget.pause()
            missing = len(state.missing) + len(state.exact)
            self._count(total - missing, missing)
            count += state.weight()
            if count >= self._parts.cap:
                return False
            self._request(state)
        fresh = self._parts.fresh_vertices
        self._missing.vertices = [
            *fresh,
            *await self._look_up_records(vid for vid in self._wanted() if vid not in fresh),
        ]
        looked_up = set(self._missing.vertices)
        for vid in self._merged:  # a record that is found here may be merged, too
            target = target_of(self._records[vid])
            if target is not None and target not in self._records and target not in looked_up:
                looked_up.add(target)
                self._missing.vertices += await self._look_up_records([target])
        return True

    async def _look_up_listings(self) -> None:
        async for number, listing in self._budget.in_turns(enumerate(self._parts.listings)):
            is_fresh = number in self._parts.fresh_listings
            self._keys.append(key := listing_key(self._tenant, listing))
            found = None if is_fresh else self._cache.listing(key)
            if found is None:
                self._missing.listings.append(number)
            self._listings.append(found)
        self._count(len(self._listings) - len(self._missing.listings), len(self._missing.listings))

    def _sources(self, hop: JsonObject) -> Iterable[int]:
        """Return the sources of a hop that are known so far, from the cache or the response, each once."""
        parent = hop["p"]
        if parent == SOURCES_GIVEN:
            return dict.fromkeys(hop["xs"])
        if parent >= 0:
            return self._hops[parent].far_ends()
        listing = self._listings[-2 - parent]
        return () if listing is None else listing["x"]

    def _request(self, state: CachedHop) -> None:
        """Add the hops of the request for one hop of the level.

        They start at known sources without cached edges, or at sources that only the response will have.
        """
        parent = state.hop["p"]
        if state.missing:
            self._missing.add(state, state.missing, SOURCES_GIVEN)
        if state.exact:
            self._missing.add(state, state.exact, SOURCES_GIVEN, exact=True)
        if parent >= 0:
            for remote in self._hops[parent].remote:
                self._missing.add(state, [], remote)
        elif parent < SOURCES_GIVEN and self._listings[-2 - parent] is None:
            self._missing.add(state, [], -2 - self._missing.listings.index(-2 - parent))

    def _wanted(self) -> dict[int, None]:
        """Return the vertices whose records belong to the level, as far as they are known."""
        wanted = self._given()
        for state in self._hops:
            wanted.update(state.far_ends())
            wanted.update(dict.fromkeys(state.between()))
        return wanted

    def _with_targets(self, wanted: dict[int, None]) -> dict[int, None]:
        """Return some vertices, and those to which the pointers of merged ones among them lead."""
        for vid in self._merged:
            if vid in wanted:
                wanted.update(dict.fromkeys(targets_within(vid, self._records)))
        return wanted

    def _given(self) -> dict[int, None]:
        """Return the vertices that the requests name, and those of listings, as far as they are known."""
        given = dict.fromkeys(sorted(self._parts.vertices))
        for listing in self._listings:
            given.update(dict.fromkeys(listing["x"] if listing else ()))
        return given

    async def _look_up_records(self, vids: Iterable[int]) -> list[int]:
        """Find the records of vertices, and return the vertices whose records are not known."""
        missing: list[int] = []
        remaining, number = iter(vids), 0
        while chunk := list(islice(remaining, AT_ONCE)):
            number += len(chunk)
            for vid, record in zip(chunk, self._cache.records(chunk), strict=True):
                if record is None:
                    missing.append(vid)
                else:
                    self._records[vid] = record
                    if MERGED_INTO in record:
                        self._merged.append(vid)
            await self._budget.pause()
        self._count(number - len(missing), len(missing))
        return missing

    async def _take(self, response: JsonObject, fill: Fill) -> bool:
        """Add the content of the response, and give it to the cache.

        Return false if the first edges of some vertex, as read for the cache, are too few for its page.
        """
        for number, listing in zip(self._missing.listings, response["l"], strict=True):
            self._listings[number] = listing
            self._cache.keep_listing(fill, self._keys[number], listing)
        expected, enough = {*self._missing.vertices}, True
        reached: list[set[int]] = []
        for number, rows in enumerate(response["e"]):
            far = await self._take_edges(number, rows, reached, fill)
            reached.append(far[0])
            expected |= far[0] | far[1]
            enough &= far[2]
        for number in self._missing.listings:
            expected.update((self._listings[number] or {"x": ()})["x"])
        await self._take_records(response["v"], expected, fill)
        self._put_together()
        return enough

    async def _take_edges(
        self, number: int, rows: Sequence[Json], reached: Sequence[set[int]], fill: Fill
    ) -> tuple[set[int], set[int], bool]:
        """Add the edges of a hop of the request.

        Return far ends, vertices on chains, and whether each source has enough edges for its page.
        """
        owner, exact, enough = self._missing.owners[number], self._missing.exact[number], True
        far_ends, between = set(), set()
        edges: dict[int, list[tuple[int, Record]]] = {vid: [] for vid in self._requested(number, reached)}
        sizes = dict.fromkeys(edges, 0)
        near, ends, texts = (rows[place::3] for place in range(3))
        for part, weights in parts_of(texts):
            for source, far, text, weight in zip(near[part], ends[part], texts[part], weights, strict=True):
                record = record_of(text)
                edges[source].append((far, record))
                sizes[source] += weight
                far_ends.add(far)
                if owner.hop["i"]:
                    between |= through(record)
            await self._budget.pause()
        without = owner.entry([], 0)
        async for source, found in self._budget.in_turns(edges.items()):
            taken: list[tuple[int, Record]] | None = found
            if not exact:
                is_long = len(found) > LONG_LINEAGE
                known = await run_in_turn(owner.entry, is_long, found, sizes[source]) if found else without
                taken = await run_in_turn(owner.taken, is_long, known)
                known.short = taken is None
                self._cache.keep_edges(fill, owner.shape, source, known)
            enough &= taken is not None
            if taken:
                owner.found[source] = taken
        self._budget.free([edges])  # frees only what is neither taken nor kept
        return far_ends, between, enough

    def _requested(self, number: int, reached: Sequence[set[int]]) -> Iterable[int]:
        """Return the sources of a hop of the request."""
        hop = self._missing.hops[number]
        parent = hop["p"]
        if parent == SOURCES_GIVEN:
            return [*hop["xs"]]
        if parent >= 0:
            return reached[parent]
        listing = self._listings[self._missing.listings[-2 - parent]]
        return listing["x"] if listing else ()

    async def _take_records(self, texts: Sequence[str], expected: set[int], fill: Fill) -> None:
        """Add the records of a response; an expected vertex without a record is absent.

        The target of a merged record is expected too, and may precede it. A record that is not expected is of another
        tenant under the same vertex id: it is left out, and no vertex is known as absent then.
        """
        read: set[int] = set()
        early: dict[int, tuple[Record, int]] = {}
        for part, weights in parts_of(texts):
            async for text, weight in self._budget.in_turns(zip(texts[part], weights, strict=True)):
                record = record_of(text)
                vid = vertex_id(self._tenant, record["id"])
                read.add(vid)
                if MERGED_INTO in record:
                    self._merged.append(vid)
                    expected.add(record[MERGED_INTO]["vertex"])
                if vid in expected:
                    self._keep(vid, record, weight, fill)
                else:
                    early[vid] = record, weight
            await self._budget.pause()
        for vid in early.keys() & expected:
            self._keep(vid, *early[vid], fill)
        async for vid in self._budget.in_turns(() if early.keys() - expected else expected - read):
            self._cache.keep_record(fill, vid, ABSENT, EMPTY_BYTES)

    def _keep(self, vid: int, record: Record, weight: int, fill: Fill) -> None:
        """Add a record that was read, and give it to the cache."""
        self._records[vid], self._weights[vid] = record, weight
        self._cache.keep_record(fill, vid, record, EMPTY_BYTES + weight)

    def _put_together(self) -> None:
        """Keep of each hop only the edges of its sources: the request also followed edges that begin later."""
        for number, hop in enumerate(self._parts.hops):
            state = self._hops[number]
            state.found = {vid: state.found[vid] for vid in self._sources(hop) if vid in state.found}

    async def _content(self, *, sent: bool) -> LevelContent | None:
        """Return the content of the level; None if it has too many edges. Of many, it is made in the side thread."""
        weight = sum(state.weight() for state in self._hops)
        if weight >= self._parts.cap:
            return None
        return await run_in_turn(self._made, weight > LONG_LINEAGE, sent=sent)

    def _made(self, *, sent: bool) -> LevelContent:
        wanted = self._with_targets(self._wanted())
        records = {vid: record for vid in wanted if (record := self._records.get(vid))}
        count = len(records) + sum(len(edges) for state in self._hops for edges in state.found.values())
        listings = [listing or {} for listing in self._listings]
        edges = [state.found for state in self._hops]
        return LevelContent(edges, records, listings, count, sent=sent, weights=self._weights)

    def _count(self, hits: int, misses: int) -> None:
        self._cache.counters.hits += hits
        self._cache.counters.misses += misses
