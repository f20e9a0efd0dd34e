"""Facets of runs: what each one says about the run. The mapping itself maps `parent`, because it names a job too."""

from collections.abc import Generator

from app.ingest.sources.openlineage.contribution import MAX_PART_NAME, Contribution, EventFacet, FacetError
from app.ingest.sources.openlineage.event_names import EventNames


def nominal_time(facet: EventFacet, about: Contribution, _names: EventNames) -> None:
    """Give begin and end of the interval that the run is for, as properties."""
    about.give_property("nominalStart", facet.text("nominalStartTime"))
    about.give_property("nominalEnd", facet.text("nominalEndTime"))


def error_message(facet: EventFacet, about: Contribution, _names: EventNames) -> None:
    """Give the error of the run, and the language as a property; the stack trace is ignored."""
    about.give("error", facet.text("message", required=True))
    about.give_property("programmingLanguage", facet.text("programmingLanguage"))
    if facet.body.get("stackTrace"):
        facet.ignored.add("stack traces are not kept", facet.path, "stackTrace")


def processing_engine(facet: EventFacet, about: Contribution, _names: EventNames) -> None:
    """Give the engine with its version, such as `spark 3.5.1`, and the version of the adapter, as properties."""
    about.give_property("engine", " ".join(filter(None, (facet.text("name"), facet.text("version")))).lower())
    about.give_property("adapter", facet.text("openlineageAdapterVersion"))


def external_query(facet: EventFacet, about: Contribution, _names: EventNames) -> None:
    """Give the system that ran the query, and the id of the query there, as a property."""
    about.give_property("externalQuery", " ".join(filter(None, (facet.text("source"), facet.text("externalQueryId")))))


def environment(facet: EventFacet, about: Contribution, _names: EventNames) -> Generator[None]:
    """Give the variables as parameters, which are secret."""
    for each in facet.elements("environmentVariables"):
        yield
        name, value = each.text("name"), each.text("value")
        if not name or len(name) > MAX_PART_NAME:
            each.ignore(f"a variable without a name of 1 to {MAX_PART_NAME} characters")
        elif value is not None:
            about.give("params", {"key": name, "value": value}, part=name)


def code_version(facet: EventFacet, about: Contribution, _names: EventNames) -> None:
    """Give the version of the code, which the sender reports with the job."""
    about.give("codeVersion", facet.text("version"))


def extraction_error(facet: EventFacet, about: Contribution, _names: EventNames) -> None:
    """Give as a property how many tasks of the run the sender could not read: the lineage may be incomplete."""
    failed, total = facet.number("failedTasks"), facet.number("totalTasks")
    if failed is None:
        raise FacetError("`failedTasks` is absent")
    about.give_property("extractionErrors", f"{failed:g} of {total or 0:g} tasks")
