"""The plan of an operation as a client reads it: the fields with resolvers, and how often these were called."""

from collections.abc import Iterator, Mapping

from graphql_schema.execution.plan import Selection
from graphql_schema.ports.record import JsonObject


def explained(selection: Selection, objects: Mapping[int, int], above: str = "") -> Iterator[JsonObject]:
    """Yield the called fields of a plan, each before those below it.

    ``objects`` has the number of objects for which each resolver was called, by the ``id`` of its step. A field has a
    ``path`` of response keys, its ``field`` as `Type.name`, these ``objects``, and the number of ``calls``: 1 if the
    resolver takes all objects at once.
    """
    for step in selection.deeper:
        path = f"{above}.{step.key}" if above else step.key
        count = objects.get(id(step), 0)
        if step.call is not None and count:
            calls = 1 if step.call.for_all else count
            yield {"path": path, "field": f"{step.parent.name}.{step.name}", "objects": count, "calls": calls}
        for below in step.below.values():
            yield from explained(below, objects, path)
