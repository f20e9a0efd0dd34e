"""Pages of edges as the store returns them, from edges in memory."""

from collections.abc import Callable, Sequence
from typing import Any

Row = Sequence[Any]


def page_of(
    hops: Sequence[dict[str, Any]], edges_of: Callable[[int, int], list[Row]], budget: int
) -> tuple[list[list[Row]], list[tuple[list[int], list[Any]]]]:
    """Return the rows of each hop in a page of at most ``budget`` edges, and what is left of each hop.

    ``edges_of`` returns the rows at a vertex for the hop of a number, all of them of its first label. The second value
    of a row is its far end.
    """
    rows, rest = list[list[Row]](), list[tuple[list[int], list[Any]]]()
    for number, hop in enumerate(hops):
        chained = hop.get("p", -1)
        first = hop["xs"] if chained < 0 else dict.fromkeys(row[1] for row in rows[chained])
        found, unread, partly = list[Row](), list[int](), list[Any]()
        for vid, label, begin in [*((vid, hop["ls"][0], 0) for vid in first), *hop["more"]]:
            here = edges_of(number, vid)[begin:]
            found += here[: max(budget, 0)]
            if budget <= 0 or len(here) > budget:
                partly.append((vid, label, begin + max(budget, 0)))
            budget -= len(here)
        rows.append(found)
        rest.append((unread, partly))
    return rows, rest
