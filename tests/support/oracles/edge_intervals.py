"""Declaration times of the ends of an edge's interval, for a plain model: kept if they differ from the end."""

from typing import Any


def marked(before: dict[str, Any] | None, after: dict[str, Any], now: int) -> dict[str, Any]:
    """Return the edge with its declaration times; those of a new interval are not those of the one before."""
    if before is not None and "validTo" in before and interval(before) in after.get("earlier", ()):
        before = None
    found = {key: value for key, value in after.items() if key not in {"opened", "closed"}}
    for mark, key in (("opened", "validFrom"), ("closed", "validTo")):
        if before is not None and before.get(key) == after.get(key):
            found |= {mark: before[mark]} if mark in before else {}
        elif after.get(key) not in {None, now}:
            found[mark] = now
    return found


def interval(edge: dict[str, Any]) -> list[int]:
    """Return a past interval, with its declaration times if it has any."""
    since, until = edge["validFrom"], edge["validTo"]
    marks = [edge.get("opened", since), edge.get("closed", until)]
    return [since, until, *(marks if "opened" in edge or "closed" in edge else [])]
