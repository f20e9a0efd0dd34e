"""Maps an event to commands: one for each asset that it names, and more for values with rights of their own and checks.

The mapping reads nothing but the event, so its result depends on no other event. The writer folds the commands of all
events together (:mod:`app.graph.writing.handlers.observe`), in whatever order they arrive.
"""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final, TypeVar

from app.ingest.sources.openlineage import run_facets
from app.ingest.sources.openlineage.contribution import (
    MAX_IGNORED,
    PREFIX,
    TOO_LONG,
    UNFIT,
    Contribution,
    EventFacet,
    FacetError,
    IgnoredCount,
    IgnoredPart,
    IgnoredParts,
    by_itself,
    ignored_parts,
)
from app.ingest.sources.openlineage.dataset_facets import column_lineage
from app.ingest.sources.openlineage.event_names import EventNames, Match, NameRule, is_long
from app.ingest.sources.openlineage.facet_table import DATASET, JOB, KEPT, RUN, FacetRule, Mapper, rules_of
from app.ingest.sources.openlineage.lineage_event import LineageEvent, Named, run_id_of
from app.ingest.sources.openlineage.lineage_facet import ExplicitLineage
from graphql_schema.catalog.relations import CHILD_OF, CONTAINS, INPUT_TO, PRODUCES, RUN_OF, Hop
from graphql_schema.catalog.urn import parse_urn, version_urn
from graphql_schema.observability.other_spellings import SYMLINK, symlink_key
from graphql_schema.ports.commands import Command
from graphql_schema.ports.record import Record
from graphql_schema.rules.observation.observed_columns import COLUMNS
from policies.errors import InvalidError

_DATASET, _JOB, _RUN = rules_of(DATASET), rules_of(JOB), rules_of(RUN)

_STATES: Final[Mapping[str, tuple[str, int]]] = {
    "OTHER": ("START", 0),
    "START": ("START", 1),
    "RUNNING": ("RUNNING", 2),
    "COMPLETE": ("COMPLETE", 3),
    "FAIL": ("FAIL", 3),
    "ABORT": ("ABORT", 3),
}
"""By event type, the state of the run and its rank: a state of a higher rank remains, then the later one."""

_ENDED: Final = 3

T = TypeVar("T")
Steps = Generator[None, None, T]
"""A part of the mapping, with a pause at each facet and each of its elements: an event may have 100,000 of them."""

_STAYS: Final = "nothing is removed: what such a facet gave stays"
"""The reason for ignoring a facet with `_deleted`, if events of such a facet give nothing that can be removed."""


@dataclass(frozen=True, slots=True)
class ResolvedName:
    """A name of an event: its role, the name as given, the id that it became, and the rule."""

    role: str
    namespace: str
    name: str
    urn: str
    rule: NameRule


@dataclass(frozen=True, slots=True)
class MappedEvent:
    """An event as commands, in the order in which they are written.

    ``subject`` is the id of the run, job or dataset that the event is about, and ``source`` the namespace of its job or
    dataset. ``resolved`` are the names, ``mapped`` the paths of facets that were mapped or removed. ``ignored`` are
    facets and parts of facets without an effect.
    """

    subject: str
    source: str
    event: LineageEvent
    commands: tuple[Command, ...]
    resolved: tuple[ResolvedName, ...]
    mapped: tuple[str, ...]
    ignored: tuple[IgnoredPart, ...]


def map_event(event: LineageEvent, names: EventNames, max_ignored: int = MAX_IGNORED) -> Steps[MappedEvent]:
    """Return the commands of a checked event; raises InvalidError if a name does not fit into an id."""
    mapper = _EventMapper(event, (yield from names.within(event)), IgnoredCount(max_ignored))
    if event.run_id is not None and event.job is not None:
        subject = yield from mapper.run(event.run_id, event.job)
    elif event.job is not None:
        subject = yield from mapper.job_event(event.job)
    else:
        assert event.dataset is not None  # noqa: S101 - checked_event requires one of the three
        subject = yield from mapper.dataset_event(event.dataset)
    source = (event.job or event.dataset or Named("", "", {})).namespace
    return MappedEvent(
        subject,
        source,
        event,
        tuple((yield from mapper.commands())),
        tuple(mapper.resolved.values()),
        tuple(mapper.mapped),
        tuple(ignored_parts(mapper.ignored, ((each.urn, each.ignored) for each in mapper.assets.values()), subject)),
    )


@dataclass(slots=True)
class _EventMapper:
    """Collects what one event says about each asset; an asset that is named twice has one contribution."""

    event: LineageEvent
    names: EventNames
    ignored: IgnoredCount
    assets: dict[str, Contribution] = field(default_factory=dict)
    resolved: dict[tuple[str, str], ResolvedName] = field(default_factory=dict)
    mapped: list[str] = field(default_factory=list)
    explicit: list[tuple[EventFacet, Contribution]] = field(default_factory=list)

    def run(self, run_id: str, job: Named) -> Steps[str]:
        """Map a run event; return the id of the run."""
        inputs, outputs = yield from self._ends()
        workflow = yield from self._job(job)
        run = self._about(Match(self.names.run(run_id), NameRule.EXACT), run_id)
        state, rank = _STATES[self.event.event_type]
        run.give("state", state, (rank, self.event.at))
        run.give("startedAt", self.event.at, (-self.event.at,))
        run.give("endedAt", self.event.at if rank == _ENDED else None)
        run.join(RUN_OF.out(), "workflow", workflow.urn)
        yield from self._join_ends(run, inputs, outputs, "OBSERVED")
        facets = dict(self.event.run_facets or {})
        parent = facets.pop("parent", None)
        yield from self._map(run, facets, _RUN, "run")
        if "sourceCodeLocation" in job.facets:
            facet = EventFacet("run.sourceCodeLocation", job.facets["sourceCodeLocation"], run.ignored)
            yield from self._apply(run_facets.code_version, facet, run)
        if parent is not None:
            self._parent(EventFacet("run.parent", parent, run.ignored), run, workflow)
        yield from self._join_explicit(run)
        return run.urn

    def job_event(self, job: Named) -> Steps[str]:
        """Map a job event, whose inputs and outputs are those that the job declares; return the id of the job."""
        inputs, outputs = yield from self._ends()
        workflow = yield from self._job(job)
        yield from self._join_ends(workflow, inputs, outputs, "DECLARED")
        yield from self._join_explicit(workflow)
        return workflow.urn

    def dataset_event(self, dataset: Named) -> Steps[str]:
        """Map a dataset event; return the id of the dataset."""
        about = yield from self.dataset(dataset, "dataset")
        yield from self._join_explicit(None)
        return about.urn

    def dataset(self, dataset: Named, role: str) -> Steps[Contribution]:
        """Map a dataset with its facets; return what the event says about it."""
        match = self.names.dataset(dataset.namespace, dataset.name)
        about = self._about(match, _full_name(match, dataset.name))
        self.resolved[role, about.urn] = ResolvedName(role, dataset.namespace, dataset.name, about.urn, match.rule)
        facets = dict(dataset.facets)
        lineage, explicit = facets.pop("columnLineage", None), facets.pop("lineage", None)
        yield from self._map(about, facets, _DATASET, role)
        if explicit is not None:
            self.explicit.append((EventFacet(f"{role}.lineage", explicit, about.ignored), about))
        if match.rule is NameRule.SYMLINK:
            other = self.names.without_symlinks().dataset(dataset.namespace, dataset.name).urn
            with by_itself(EventFacet(f"{role}.symlinks", {}, about.ignored)):
                about.give_property(symlink_key(other).removeprefix(PREFIX), SYMLINK)
        yield
        if lineage is not None:
            facet = EventFacet(f"{role}.columnLineage", lineage, about.ignored)
            job = self._job_id()
            if _is_removed(lineage):
                about.give(COLUMNS, {}, part=job)
                self.mapped.append(facet.path)
            else:
                yield from self._apply(partial(column_lineage, job=job), facet, about)
        return about

    def commands(self) -> Steps[list[Command]]:
        """Return one command for each asset, in the order in which the assets were found, then the other commands.

        The other commands set owners, tags and stages, and report checks.
        """
        commands, others = list[Command](), list[Command]()
        for each in self.assets.values():
            yield
            commands.append(each.command())
            others += [*each.apart, *each.checks]
        return [*commands, *others]

    def _about(self, match: Match, name: str) -> Contribution:
        if match.urn not in self.assets:
            self.assets[match.urn] = Contribution(match.urn, name, self.event.at, ignored=IgnoredParts(self.ignored))
        return self.assets[match.urn]

    def _ends(self) -> Steps[tuple[list[Contribution], list[Contribution]]]:
        ends = list[Contribution](), list[Contribution]()
        for found, given, role in zip(ends, (self.event.inputs, self.event.outputs), ("input", "output"), strict=True):
            for each in given:
                found.append((yield from self.dataset(each, role)))
        return ends

    def _join_ends(
        self, about: Contribution, inputs: list[Contribution], outputs: list[Contribution], origin: str
    ) -> Steps[None]:
        """Join inputs and outputs, each with the version that the event names."""
        ends: tuple[tuple[list[Contribution], Hop, str], ...] = (
            (inputs, INPUT_TO.into(), "inputs"),
            (outputs, PRODUCES.out(), "outputs"),
        )
        for datasets, hop, name in ends:
            for each in datasets:
                yield
                about.join(hop, name, each.urn, origin)
                version = self._version(each)
                if version is not None:
                    about.join(hop, name, version, origin)

    def _version(self, dataset: Contribution) -> str | None:
        """Return the id of the dataset version that the event names; None without one, or if it does not fit."""
        given = dataset.values.get(("properties", "openlineage.version"))
        if given is None or given.value is None:
            return None
        try:
            urn = version_urn(dataset.urn, given.value["value"])
            parse_urn(urn)
        except InvalidError:
            dataset.ignored.add(UNFIT, "dataset.version")
            return None
        self._about(Match(urn, NameRule.EXACT), dataset.name)
        return urn

    def _job_id(self) -> str:
        """Return the id of the job of the event; for a dataset event, a text with its producer."""
        job = self.event.job
        return self.names.job(job.namespace, job.name).urn if job else f"producer {self.event.producer}"

    def _job(self, job: Named) -> Steps[Contribution]:
        match = self.names.job(job.namespace, job.name)
        about = self._about(match, job.name)
        self.resolved["job", about.urn] = ResolvedName("job", job.namespace, job.name, about.urn, match.rule)
        facets = dict(job.facets)
        explicit = facets.pop("lineage", None)
        yield from self._map(about, facets, _JOB, "job")
        if explicit is not None:
            self.explicit.append((EventFacet("job.lineage", explicit, about.ignored), about))
        return about

    def _join_explicit(self, own: Contribution | None) -> Steps[None]:
        """Map the facets `lineage` of the event; ``own`` is the run or job that the event is about, if any."""
        part = f"{self._job_id()} lineage"
        origin = "DECLARED" if self.event.run_id is None else "OBSERVED"
        explicit = ExplicitLineage(
            self.names,
            part,
            origin,
            dataset_id=lambda named: self._explicit_match(named)[0].urn,
            dataset=lambda named: self._about(*self._explicit_match(named)),
            job=lambda named: self._explicit_job(named, own),
        )
        for facet, about in self.explicit:
            yield
            if _is_removed(facet.body) and about.urn.startswith("mlg://dataset/"):
                about.give(COLUMNS, {}, part=part)
                self.mapped.append(facet.path)
            elif _is_removed(facet.body):
                facet.ignore(_STAYS)
            else:
                yield from self._apply(
                    explicit.of_job if facet.path == "job.lineage" else explicit.of_dataset, facet, about
                )

    def _explicit_job(self, named: EventFacet, own: Contribution | None) -> Contribution:
        """Return what the event says about the run or job that a part of the facet `lineage` names, by default ``own``.

        Raises FacetError if there is none, and InvalidError if an id or a name does not fit.
        """
        given, name = named.text("runId"), _name_of(named.body)
        run_id = None if given is None else run_id_of(given, "runId")
        workflow = None if name is None else self._about(self.names.job(*name), name[1])
        if run_id is not None:
            run = self._about(Match(self.names.run(run_id), NameRule.EXACT), run_id)
            if workflow is not None:
                run.join(RUN_OF.out(), "workflow", workflow.urn)
            return run
        found = workflow or own
        if found is None:
            raise FacetError("`namespace` and `name` are absent, and the event is about no job")
        return found

    def _explicit_match(self, named: EventFacet) -> tuple[Match, str]:
        """Return the id and full name of the dataset that a part of the facet `lineage` names.

        Raises FacetError if there is none.
        """
        name = _name_of(named.body)
        if name is None:
            raise FacetError("`namespace` or `name` is absent")
        found = self.names.dataset(*name)
        self.resolved["lineage", found.urn] = ResolvedName("lineage", *name, found.urn, found.rule)
        return found, _full_name(found, name[1])

    def _parent(self, facet: EventFacet, run: Contribution, workflow: Contribution) -> None:
        """Add the run of the facet as parent of the event's run, and its job as parent of the event's job.

        The root run becomes a property.
        """
        try:
            run_id = _run_in(facet.body, f"{facet.path}.run.runId")
            name = _named_in(facet.body)
            match = None if name is None else self.names.job(*name)
            root = facet.body.get("root")
            root = root if isinstance(root, dict) and isinstance(root.get("run"), dict) else None
            root_id = None if root is None else _run_in(root, "root.run.runId")
        except (FacetError, InvalidError) as error:
            facet.ignore(str(error))
            return
        parent = self._about(Match(self.names.run(run_id), NameRule.EXACT), run_id)
        run.join(CHILD_OF.out(), "parentRun", parent.urn)
        if name is not None and match is not None:
            self._about(match, name[1])
            self.resolved["parent job", match.urn] = ResolvedName("parent job", *name, match.urn, match.rule)
            parent.join(RUN_OF.out(), "workflow", match.urn)
            workflow.join(CONTAINS.into("Workflow"), "partOf", match.urn)
        if root_id is not None:
            run.give_property("rootRun", self.names.run(root_id))
        self.mapped.append(facet.path)

    def _map(self, about: Contribution, facets: Record, rules: Mapping[str, FacetRule], role: str) -> Steps[None]:
        for name, body in facets.items():
            yield
            facet = EventFacet(f"{role}.{name}", body, about.ignored)
            rule = rules.get(name, KEPT)
            if _is_removed(body):
                self._remove(facet, about, (f"{PREFIX}{name}",) if rule is KEPT else rule.removable)
            elif rule.mapper is not None:
                yield from self._apply(rule.mapper, facet, about)

    def _remove(self, facet: EventFacet, about: Contribution, names: Sequence[str]) -> None:
        """Remove what a facet of a dataset or a job gave before; those of runs cannot be removed."""
        if not names or facet.path.startswith("run."):
            facet.ignore(_STAYS)
            return
        for name in names:
            about.remove(name)
        self.mapped.append(facet.path)

    def _apply(self, mapper: Mapper, facet: EventFacet, about: Contribution) -> Steps[None]:
        """Map a facet as a whole, or report it as ignored."""
        draft = about.draft()
        try:
            facet.require_few_elements()
            yield from mapper(facet, draft, self.names) or ()
        except FacetError as error:
            facet.ignore(str(error))
        except InvalidError:
            facet.ignore(UNFIT)
        else:
            about.accept(draft)
            self.mapped.append(facet.path)


def _full_name(match: Match, name: str) -> str:
    """Return the full name of a dataset; of a table that a symlink names, the name in its id, which may be cut."""
    return parse_urn(match.urn).name if match.rule is NameRule.SYMLINK else name


def _is_removed(body: Record) -> bool:
    """Return whether a facet is sent to remove what it gave before."""
    return body.get("_deleted") is True


def _run_in(body: Record, path: str) -> str:
    """Return the id of the run in a facet; ``path`` is that of the id. Raises InvalidError without a valid one."""
    run = body.get("run")
    return run_id_of(run.get("runId") if isinstance(run, dict) else None, path)


def _named_in(body: Record) -> tuple[str, str] | None:
    """Return namespace and name of the job in a facet; None without both."""
    job = body.get("job")
    return _name_of(job) if isinstance(job, dict) else None


def _name_of(body: Record) -> tuple[str, str] | None:
    """Return namespace and name of an object; None without both, and FacetError if one of them is long."""
    namespace, name = body.get("namespace"), body.get("name")
    if not (isinstance(namespace, str) and isinstance(name, str) and namespace and name):
        return None
    if is_long(namespace, name):
        raise FacetError(TOO_LONG)
    return namespace, name
