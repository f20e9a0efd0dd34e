"""Classes of assets for people: who owns it, visibility, sensitivity, stage and kind; and many of them as few lines."""

from collections.abc import Hashable, Iterable, Iterator, Mapping
from itertools import product
from typing import TypeVar

from graphql_schema.catalog.enums import LifecycleStage, Sensitivity, Visibility
from graphql_schema.catalog.kinds import KINDS
from policies.attributes import PolicyAttributes
from policies.principal import Principal

AXES: Mapping[str, tuple[str, ...]] = {
    "owner": ("own", "other", "nobody"),
    "visibility": tuple(each.name for each in Visibility),
    "sensitivity": tuple(each.name for each in Sensitivity),
    "stage": tuple(each.name for each in LifecycleStage),
    "kind": tuple(kind.code for kind in KINDS.values()),
}
"""What a class is made of, and the values; ``own`` is a team of the caller."""

OTHER = "mlg://team/catalog/default/another-team"

AssetClass = tuple[str, ...]
"""One value of each axis."""
Block = tuple[frozenset[str], ...]
"""Some values of each axis, and every class that they make."""
Found = TypeVar("Found", bound=Hashable)


def classes(principal: Principal) -> Iterator[tuple[AssetClass, PolicyAttributes]]:
    """Every class that there is for a caller: who has no team owns nothing."""
    owners = {"own": min(principal.teams, default=None), "other": OTHER, "nobody": ""}
    for where in product(*AXES.values()):
        owner, visibility, sensitivity, stage, kind = where
        urn = owners[owner]
        if urn is not None:
            yield where, PolicyAttributes(kind, urn, visibility, sensitivity, stage)


def blocks(cells: Iterable[AssetClass]) -> list[Block]:
    """Few blocks that hold these classes, each once: joined along one axis after the other, the last one first."""
    found = [tuple(frozenset({value}) for value in where) for where in cells]
    for axis in reversed(range(len(AXES))):
        joined: dict[Block, frozenset[str]] = {}
        for block in found:
            rest = (*block[:axis], *block[axis + 1 :])
            joined[rest] = joined.get(rest, frozenset()) | block[axis]
        found = [(*rest[:axis], values, *rest[axis:]) for rest, values in joined.items()]
    return found


def grouped(cells: Mapping[AssetClass, Found]) -> Iterator[tuple[Found, Block]]:
    """The blocks of classes about which the same was found, in the order in which it was found."""
    alike: dict[Found, list[AssetClass]] = {}
    for where, found in cells.items():
        alike.setdefault(found, []).append(where)
    for found, members in alike.items():
        yield from ((found, block) for block in blocks(members))


def spelled(block: Block, principal: Principal) -> list[str]:
    """A block as people read it: ``*`` is every value that there is, ``not A,B`` all but a few."""
    return [_spelled(values, _there(name, principal)) for values, name in zip(block, AXES, strict=True)]


def _there(name: str, principal: Principal) -> tuple[str, ...]:
    return AXES[name] if name != "owner" or principal.teams else AXES[name][1:]


def _spelled(values: frozenset[str], axis: tuple[str, ...]) -> str:
    left_out = [value for value in axis if value not in values]
    if not left_out:
        return "*"
    named = [value for value in axis if value in values]
    return f"not {','.join(left_out)}" if len(left_out) < min(len(named), 5) else ",".join(named)
