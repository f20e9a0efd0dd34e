"""Incidents: open problems of assets."""

import strawberry

from graphql_schema.asset import Node
from graphql_schema.enums import IncidentState, Severity
from graphql_schema.fields import own
from graphql_schema.scalars import Instant


@strawberry.type(description="A problem of one or more assets.")
class Incident(Node):
    """A problem of one or more assets."""

    title: str = own("What is wrong, in words.")
    state: IncidentState = own("Whether it stands.")
    severity: Severity = own("How bad it is.")
    opened_at: Instant = own("When it was opened.")
    resolved_at: Instant | None = own("When it was over; null while it stands.")
