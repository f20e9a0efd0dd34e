"""The uses of an asset that follow from the graph, beside the usage that is recorded for the asset itself.

An asset is in use if a run reads it. A model version and a service are in use if a deployment serves them, a service
also if another service calls it, and a workflow if it runs. Each use of a child, its recorded usage included, is one of
its parent. A child is a version of a dataset or model, or a feature of a feature set.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Final

from graphql_schema.catalog.properties import TIME_FIELDS
from graphql_schema.catalog.relations import (
    CALLED_BY,
    CHILD_HOPS,
    DEPLOYED_AS,
    INPUT_TO,
    RUN_OF,
    SERVED_BY,
    USAGE_OF,
    USED_BY,
    Hop,
)
from graphql_schema.ports.relation_query import Path, RelationQuery
from graphql_schema.ports.row import PageItem, Row
from graphql_schema.rules.usage_days import has_usage

_PARTS: Final = {"Dataset": "versions", "Model": "versions", "FeatureSet": "features"}
"""The field that lists the children of a parent, by the kind of the parent."""


def _direct_uses(kind: str) -> Iterator[tuple[Hop, str]]:
    """Yield the hops from an asset to its uses, each with the field that shows it."""
    if INPUT_TO.allows(kind, "Run"):
        yield INPUT_TO.out("Run"), "downstream"
    if kind == "ModelVersion":
        yield DEPLOYED_AS.out("Deployment"), "deployments"
    if kind == "Service":
        yield SERVED_BY.into("Deployment"), "deployments"
        yield CALLED_BY.out("Service"), "callers"
    if kind == "Workflow":
        yield RUN_OF.into("Run"), "runs"


def _uses(kind: str) -> RelationQuery | None:
    """Return the query from an asset of a kind to its uses; None for a kind of which no relation shows uses."""
    paths: list[Path] = []
    fields = [(kind, "usage")]
    for hop, field in _direct_uses(kind):
        paths.append((hop,))
        fields.append((kind, field))
    part = CHILD_HOPS.get(kind)
    if part is not None:
        (of,) = part.kinds
        fields += [(kind, _PARTS.get(kind, "versions")), (of, "usage")]
        paths.append((part, USAGE_OF.into("UsageMonth"), USED_BY.out()))
        for hop, field in _direct_uses(of):
            paths.append((part, hop))
            fields.append((of, field))
    inputs = tuple(f"{owner}.{field}" for owner, field in dict.fromkeys(fields))
    return RelationQuery(tuple(paths), per_edge=True, inputs=inputs) if paths else None


USES: Final = {
    kind: query
    for kind in (*CHILD_HOPS, *(part.kinds[0] for part in CHILD_HOPS.values()), "Service", "Workflow")
    if (query := _uses(kind)) is not None
}
"""From an asset to its uses, by kind. An item ends at a run, deployment or service, or at a consumer of a child."""

KINDS_WITH_USES: Final = (*USES, "Deployment")
"""The kinds whose use may follow from the graph. A deployment is in use while it serves."""


def last_use_of(asset: Row, items: Iterator[PageItem] | list[PageItem], today: date) -> date | None:
    """Return the last day of use in UTC, by the own state of the asset and the items of :data:`USES`; None if unused.

    Values that are hidden from the caller do not count, nor does the usage recorded for the asset itself.
    """
    served = [_served(asset, today)] if asset.kind == "Deployment" else []
    return max((day for day in (*served, *(_day_of(item, today) for item in items)) if day), default=None)


def _day_of(item: PageItem, today: date) -> date | None:
    """Return the last day of the use at the end of an item; None if none is visible."""
    end, near = item.row, item.near
    if near is not None and near.kind == "UsageMonth":
        days = [day for day, counts in near.record["days"].items() if has_usage(counts)]
        return date.fromisoformat(max(days)) if days else None
    if end.kind == "Run":
        return _ran(end)
    return _served(end, today) if end.kind == "Deployment" else today


def _ran(run: Row) -> date | None:
    """Return the day on which a run ended, else that of the first visible of TIME_FIELDS; None if none is visible."""
    times = (run.visible_value(field) for field in ("endedAt", *TIME_FIELDS))
    return next((_day(at) for at in times if at is not None), None)


def _served(deployment: Row, today: date) -> date | None:
    """Return the last day on which a deployment served: today if it is active, else that of its `retiredAt`.

    A `retiredAt` in the future counts as today. None if the status ACTIVE is not visible, and no `retiredAt` is.
    """
    if deployment.visible_value("status") == "ACTIVE":
        return today
    retired = deployment.visible_value("retiredAt")
    return None if retired is None else min(_day(retired), today)


def _day(at: int) -> date:
    return datetime.fromtimestamp(at / 1000, UTC).date()
