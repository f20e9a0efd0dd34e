"""Facets of datasets, also those of an input or output: what each one says about the dataset.

A facet with a list is mapped by a generator, which pauses before each element
(:data:`app.ingest.sources.openlineage.facet_table.Mapper`).
"""

from collections.abc import Generator, Iterator
from typing import Final

from app.ingest.shown_address import without_credentials
from app.ingest.sources.openlineage.catalog_names import assertion_kind, assertion_name
from app.ingest.sources.openlineage.contribution import (
    MAX_SCHEMA_BYTES,
    MAX_SOURCES_BYTES,
    TOO_LONG,
    Contribution,
    EventFacet,
    FacetError,
    bounded,
    by_itself,
)
from app.ingest.sources.openlineage.event_names import MAX_SYMLINKS, EventNames, is_long
from app.ingest.sources.openlineage.shared_facets import targets_of_tag
from graphql_schema.catalog.enums import CheckKind, CheckStatus
from graphql_schema.catalog.relations import REPLACED_BY
from graphql_schema.ports.record import JsonObject
from graphql_schema.rules.observation.observed_columns import COLUMNS, SCHEMA

MAX_COLUMN_LEVELS: Final = 10
"""Maximal depth of nested columns; deeper ones are left out."""

_VOLUMES: Final = {"rowCount": "rows", "bytes": "bytes", "size": "bytes", "fileCount": "files"}
"""Members of statistics and metrics that count data, and their names in checks."""

_COLUMN_COUNTS: Final = ("nullCount", "distinctCount", "count")
"""Members of the metrics of a column that become checks; sums, extremes and quantiles do not."""


_Sources = dict[tuple[str, str], JsonObject]
"""The sources of a column, by the id of the dataset and the name of the column there."""


def schema(facet: EventFacet, about: Contribution, _names: EventNames) -> Generator[None]:
    """Give the columns; a nested column has the path as name, such as `address.city`.

    Raises FacetError as soon as their texts are longer than MAX_SCHEMA_BYTES together.
    """
    columns: dict[str, JsonObject] = {}
    characters = 0
    for name, column in _columns(facet, "", 1):
        yield
        if not name:
            continue
        characters += len(name)  # each nested column repeats the names above it
        if columns.setdefault(name, column) is column:
            characters += sum(len(text) for key, text in column.items() if key != "name")
        if characters > MAX_SCHEMA_BYTES:
            raise FacetError(f"the texts of the columns are longer than {MAX_SCHEMA_BYTES} characters together")
    about.give(COLUMNS, bounded(list(columns.values()), MAX_SCHEMA_BYTES), part=SCHEMA)


def _columns(facet: EventFacet, prefix: str, level: int) -> Iterator[tuple[str, JsonObject]]:
    """Yield the full name and the values of each column; "" and no values for a column without a name."""
    for each in facet.elements("fields"):
        given = each.text("name")
        if not given:
            each.ignore("a column without a name")
            yield "", {}
            continue
        name = prefix + given
        values = {"name": name, "dataType": each.text("type"), "description": each.text("description")}
        yield name, {key: value for key, value in values.items() if value is not None}
        if each.body.get("fields"):
            if level < MAX_COLUMN_LEVELS:
                yield from _columns(each, f"{name}.", level + 1)
            else:
                each.ignore(f"columns deeper than {MAX_COLUMN_LEVELS} levels")


def column_lineage(facet: EventFacet, about: Contribution, names: EventNames, job: str) -> Generator[None]:
    """Give the source columns of each column; they replace those of earlier events of the same ``job``."""
    yield from source_columns(facet, about, names, "inputFields", job)
    if facet.body.get("dataset"):
        facet.ignored.add("sources of the whole dataset name no column", facet.path, "dataset")


def source_columns(facet: EventFacet, about: Contribution, names: EventNames, key: str, part: str) -> Generator[None]:
    """Add to ``about`` the source columns of each column.

    Each member of `fields` in the facet is a column, and has its sources in the list ``key``. Columns consist of parts,
    each from one kind of event: this call replaces the one named ``part``. The sources of a column are in the order of
    their ids. Raises FacetError as soon as all sources are longer than MAX_SOURCES_BYTES together.
    """
    given: dict[str, list[JsonObject]] = {}
    left = MAX_SOURCES_BYTES
    for column, each in facet.members("fields"):
        yield
        sources: _Sources = {}
        for source in each.elements(key):
            yield
            known = len(sources)
            with by_itself(source):
                yield from _add_source(source, names, sources)
            if len(sources) > known:
                left -= sum(map(len, next(reversed(sources))))
            if left < 0:
                raise FacetError(f"the sources of columns are longer than {MAX_SOURCES_BYTES} characters together")
        if sources:
            given[column] = [sources[each] for each in sorted(sources)]
    about.give(COLUMNS, bounded(given, MAX_SOURCES_BYTES), part=part)


def _add_source(source: EventFacet, names: EventNames, sources: _Sources) -> Generator[None]:
    namespace, name, column = (source.text(key) for key in ("namespace", "name", "field"))
    if not (namespace and name and column):
        source.ignore("`namespace`, `name` or `field` is absent")
        return
    if is_long(namespace, name):
        source.ignore(TOO_LONG)
        return
    dataset = names.dataset(namespace, name).urn
    words = yield from _transformations(source)
    entry: JsonObject = {"dataset": dataset, "column": column}
    known = sources.setdefault((dataset, column), entry)
    if words:
        known["transformation"] = "; ".join(dict.fromkeys(filter(None, (known.get("transformation"), words))))[:1_000]


def _transformations(source: EventFacet) -> Generator[None, None, str]:
    """Return the transformations of a source in words."""
    words = list[str]()
    if source.body.get("transformations"):
        for each in source.elements("transformations"):
            yield
            kind = "/".join(filter(None, (each.text("type"), each.text("subtype"))))
            words.append(": ".join(filter(None, (kind, each.text("description")))))
    return " ".join(filter(None, words))


def documentation(facet: EventFacet, about: Contribution, _names: EventNames) -> None:
    """Give the description."""
    about.give("description", facet.text("description"))


def data_source(facet: EventFacet, about: Contribution, _names: EventNames) -> None:
    """Give the location, and the name of the data source as a property, both without credentials."""
    about.give("location", without_credentials(facet.text("uri") or "") or None)
    about.give_property("dataSource", without_credentials(facet.text("name") or ""))


def storage(facet: EventFacet, about: Contribution, _names: EventNames) -> None:
    """Give the format, that of the files or else the storage layer; the layer is also a property."""
    layer = facet.text("storageLayer")
    about.give("format", facet.text("fileFormat") or layer)
    about.give_property("storageLayer", layer)


def dataset_type(facet: EventFacet, about: Contribution, _names: EventNames) -> None:
    """Give the type of the dataset, such as VIEW, as a property."""
    about.give_property("datasetType", "/".join(filter(None, (facet.text("datasetType"), facet.text("subType")))))


def version(facet: EventFacet, about: Contribution, _names: EventNames) -> None:
    """Give the version as a property; of an input or output, the mapping also makes a dataset version of it."""
    about.give_property("version", facet.text("datasetVersion", required=True))


def column_tags(facet: EventFacet, about: Contribution, _names: EventNames) -> Generator[None]:
    """Give the tags of the dataset; those of a column are properties."""
    yield from targets_of_tag(facet, about, of_columns=True)


def lifecycle(facet: EventFacet, about: Contribution, names: EventNames) -> None:
    """Give the last change of the life cycle; DROP retires the dataset, CREATE makes it active again.

    RENAME makes this dataset the replacement of the one with the previous name.
    """
    change = facet.text("lifecycleStateChange", required=True)
    about.give_property("lifecycle", change)
    stage = {"DROP": "RETIRED", "CREATE": "ACTIVE"}.get(change or "")
    about.give_apart("stage", stage) if stage else None
    previous = facet.body.get("previousIdentifier")
    if change == "RENAME" and isinstance(previous, dict):
        earlier = EventFacet(f"{facet.path}.previousIdentifier", previous, facet.ignored)
        namespace, name = (earlier.text(key, required=True) or "" for key in ("namespace", "name"))
        about.join(REPLACED_BY.into("Dataset"), "replaces", names.dataset(namespace, name).urn)


def assertions(facet: EventFacet, about: Contribution, _names: EventNames) -> Generator[None]:
    """Give the result of each assertion as a check; of equal ones in an event, a failure counts."""
    results: dict[str, bool] = {}
    for each in facet.elements("assertions"):
        yield
        name, passed = each.text("assertion"), each.body.get("success")
        if not name or not isinstance(passed, bool):
            each.ignore("`assertion` or `success` is absent")
            continue
        check = assertion_name(name, each.text("column"))
        results[check] = results.get(check, True) and passed
    for check, passed in sorted(results.items()):
        about.report(check, assertion_kind(check), (CheckStatus.PASS if passed else CheckStatus.FAIL).name)


def metrics(facet: EventFacet, about: Contribution, _names: EventNames) -> Generator[None]:
    """Give measured amounts as checks that pass, with their value: nothing is expected of them."""
    _volumes(facet, about, "")
    if facet.body.get("columnMetrics"):
        for column, each in facet.members("columnMetrics"):
            yield
            for key in _COLUMN_COUNTS:
                value = each.number(key)
                if value is not None:
                    about.report(f"{key}({column})", CheckKind.SCHEMA.name, CheckStatus.PASS.name, value)


def output_statistics(facet: EventFacet, about: Contribution, _names: EventNames) -> None:
    """Give the amounts that a run wrote as checks that pass, with their value."""
    _volumes(facet, about, " written")


def input_statistics(facet: EventFacet, about: Contribution, _names: EventNames) -> None:
    """Give the amounts that a run read as checks that pass, with their value."""
    _volumes(facet, about, " read")


def _volumes(facet: EventFacet, about: Contribution, verb: str) -> None:
    for key, name in _VOLUMES.items():
        value = facet.number(key)
        if value is not None:
            about.report(name + verb, CheckKind.VOLUME.name, CheckStatus.PASS.name, value)


def symlinks(facet: EventFacet, about: Contribution, names: EventNames) -> Generator[None]:
    """Give the ids of the other names of the dataset as a property; :meth:`EventNames.within` selects its own id.

    Raises FacetError if there are more than MAX_SYMLINKS.
    """
    identifiers = facet.body.get("identifiers")
    if isinstance(identifiers, list) and len(identifiers) > MAX_SYMLINKS:
        raise FacetError(f"{len(identifiers)} symlinks; an event may give a dataset at most {MAX_SYMLINKS}")
    others = []
    for each in facet.elements("identifiers"):
        yield
        namespace, name = each.text("namespace"), each.text("name")
        if not (namespace and name):
            each.ignore("`namespace` or `name` is absent")
            continue
        if is_long(namespace, name):
            each.ignore(TOO_LONG)
            continue
        others.append(names.dataset(namespace, name).urn)
    about.give_property("symlinks", " ".join(sorted(set(others))))
