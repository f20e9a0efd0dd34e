"""Facets of jobs: what each one says about the workflow."""

from app.ingest.shown_address import without_credentials
from app.ingest.sources.openlineage.contribution import Contribution, EventFacet
from app.ingest.sources.openlineage.event_names import EventNames


def documentation(facet: EventFacet, about: Contribution, _names: EventNames) -> None:
    """Give the description."""
    about.give("description", facet.text("description"))


def job_type(facet: EventFacet, about: Contribution, _names: EventNames) -> None:
    """Give the kind of the workflow: the integration in lower case, such as `dbt`; two types are properties."""
    integration = facet.text("integration")
    about.give("workflowKind", integration.lower() if integration else None)
    about.give_property("jobType", facet.text("jobType"))
    about.give_property("processingType", facet.text("processingType"))


def code_location(facet: EventFacet, about: Contribution, _names: EventNames) -> None:
    """Give the address of the code, without credentials, and its path in the repository.

    Branch, tag and version are properties.
    """
    path = without_credentials(facet.text("path") or "")
    address = without_credentials(facet.text("url") or facet.text("repoUrl") or "")
    about.give("codeRef", f"{address}#{path}" if address and path and path not in address else address or path or None)
    for key in ("branch", "tag", "version"):
        about.give_property(f"code.{key}", facet.text(key))


def source_code(facet: EventFacet, about: Contribution, _names: EventNames) -> None:
    """Give the code as a property, with its language."""
    about.give_property("code.language", facet.text("language"))
    about.give_property("code.text", facet.text("sourceCode"))


def sql(facet: EventFacet, about: Contribution, _names: EventNames) -> None:
    """Give the query and its dialect as properties."""
    about.give_property("sql", facet.text("query"))
    about.give_property("sql.dialect", facet.text("dialect"))
