"""The source behind thin events, by its kind: how `mlg ingest run` opens it and writes one object of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from app.ingest.hydrate.file_source import FileSource
from app.ingest.hydrate.object_writer import WriteObject, write_content, write_registered
from app.ingest.load.team_map import TeamMap
from app.ingest.sources.dbt.artifacts import CATALOG, FRESHNESS, MANIFEST, RUN_RESULTS
from app.ingest.sources.dbt.dbt_object import read_project
from app.ingest.sources.feast.feast_object import FeastProject
from app.ingest.sources.feast.mapping import FeastMapping
from app.ingest.sources.feast.registry import read_registry
from app.ingest.sources.mlflow.mapping import RegistryMapping
from app.ingest.sources.mlflow.registry_client import open_registry
from app.ingest.sources.mlflow.registry_import import RegistryImport
from app.ingest.sources.mlflow.registry_names import RegistryNames
from app.ingest.sources.mlflow.registry_object import RegistryObject
from app.ingest.sources.openlineage.event_names import EventNames, namespace_patterns
from policies.errors import InvalidError


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """The options of imports, as `mlg import` has them for the kind of the source."""

    namespace: str | None
    owner: str
    owner_tag: str
    teams: TeamMap
    aliases: bool
    namespaces: str
    owners: bool
    remove_aliases: bool


def open_source(kind: str, address: str, options: SourceOptions) -> WriteObject:
    """Return the writer of objects of a source; ``kind`` is one of OPENERS.

    Raises the CodedError of a source that cannot be read, and InvalidError for an option that the kind does not have.
    """
    return OPENERS[kind](address, options)


def _mlflow(uri: str, options: SourceOptions) -> WriteObject:
    if options.namespaces or not options.owners:
        raise InvalidError("--namespaces and --no-owners are for dbt and Feast; leave them out.")
    if options.remove_aliases and not options.aliases:
        raise InvalidError("--remove-aliases needs the aliases of the registry; leave --no-aliases out.")
    names = RegistryNames(options.namespace or "default")
    mapping = RegistryMapping(names, options.owner, options.owner_tag, options.teams.target)
    importing = RegistryImport(open_registry(uri), mapping, options.aliases)
    return write_registered(partial(RegistryObject, importing), remove_aliases=options.remove_aliases)


def _dbt(folder: str, options: SourceOptions) -> WriteObject:
    events = _event_names(options)
    files = [Path(folder, name) for name in (MANIFEST, CATALOG, RUN_RESULTS, FRESHNESS)]
    read = partial(read_project, Path(folder), options.namespace, events, with_owners=options.owners)
    source = FileSource(files, read)
    source.content()
    return write_content(lambda object_type, unique_id: source.content().read_object(object_type, unique_id))


def _feast(file: str, options: SourceOptions) -> WriteObject:
    events = _event_names(options)

    def read() -> FeastProject:
        mapping = FeastMapping(read_registry(Path(file)), options.namespace, events)
        return FeastProject(mapping, with_owners=options.owners)

    source = FileSource([Path(file)], read)
    source.content()
    return write_content(lambda object_type, name: source.content().read_object(object_type, name))


def _event_names(options: SourceOptions) -> EventNames:
    """Return the names of events; raises InvalidError for options of MLflow, which would have no effect."""
    of_registry = (options.owner, options.owner_tag, not options.aliases, options.remove_aliases)
    if any(of_registry) or options.teams != TeamMap():
        raise InvalidError("--owner, --owner-tag, --team-map and options of aliases are for MLflow; leave them out.")
    return EventNames(namespace_patterns(options.namespaces))


OPENERS: Final[Mapping[str, Callable[[str, SourceOptions], WriteObject]]] = {
    "dbt": _dbt,
    "feast": _feast,
    "mlflow": _mlflow,
}
"""What opens a source, by its kind; a test compares the kinds with those that events may be of."""
