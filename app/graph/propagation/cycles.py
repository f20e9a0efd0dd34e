"""The cycles among vertices along their sources, by the algorithm of Tarjan, without recursion."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

_YIELDED: Final = 2**62
"""Value of ``lowest`` of a vertex that was yielded: it is higher than every number."""


@dataclass(slots=True)
class _Entered:
    """A vertex on the path of the walk, its number, the sources that are left, and its place among the open ones."""

    vid: int
    number: int
    left: Iterator[int]
    place: int


def upstream_first(vids: Iterable[int], sources_of: Callable[[int], Iterable[int]]) -> Iterator[list[int]]:
    """Yield the vertices and all upstream of them: those of a cycle together, each other one alone.

    A list comes after those of all its sources. In it, each vertex but the first comes after one of its targets. Yield
    an empty list for each further vertex that is reached, and for each of a cycle whose sources are passed, so that the
    caller may pause between.
    """
    lowest: dict[int, int] = {}
    entered: list[_Entered] = []
    open_: list[int] = []

    def enter(vid: int) -> None:
        lowest[vid] = len(lowest)
        entered.append(_Entered(vid, lowest[vid], iter(sources_of(vid)), len(open_)))
        open_.append(vid)

    for vid in vids:
        if vid not in lowest:
            enter(vid)
        while entered:
            last = entered[-1]
            unknown = None
            for source in last.left:
                if source not in lowest:
                    unknown = source
                    break
                lowest[last.vid] = min(lowest[last.vid], lowest[source])
            if unknown is not None:
                enter(unknown)
                yield []
                continue
            entered.pop()
            if entered:
                below = entered[-1].vid
                lowest[below] = min(lowest[below], lowest[last.vid])
            if lowest[last.vid] == last.number:
                found = open_[last.place :]
                del open_[last.place :]
                lowest.update(dict.fromkeys(found, _YIELDED))
                yield found
            else:
                yield []
