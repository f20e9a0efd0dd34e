"""When the ends of an edge's interval were said, for a plain model: kept where that is another time than the end."""

from typing import Any


def marked(before: dict[str, Any] | None, after: dict[str, Any], now: int) -> dict[str, Any]:
    """The edge with its marks."""
    found = {key: value for key, value in after.items() if key not in {"opened", "closed"}}
    for mark, key in (("opened", "validFrom"), ("closed", "validTo")):
        if before is not None and before.get(key) == after.get(key):
            found |= {mark: before[mark]} if mark in before else {}
        elif after.get(key) not in {None, now}:
            found[mark] = now
    return found


def interval(edge: dict[str, Any]) -> list[int]:
    """An interval that is over, with its marks where it has some."""
    since, until = edge["validFrom"], edge["validTo"]
    marks = [edge.get("opened", since), edge.get("closed", until)]
    return [since, until, *(marks if "opened" in edge or "closed" in edge else [])]
