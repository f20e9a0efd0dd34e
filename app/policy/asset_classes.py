"""Classes of assets: one owner, visibility, sensitivity, stage and kind each.

Blocks join classes with equal decisions, so that thousands of classes are printed as few lines.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping
from itertools import product
from typing import TypeVar

from graphql_schema.catalog.enums import LifecycleStage, Sensitivity, Visibility
from graphql_schema.catalog.kinds import KINDS
from policies.attributes import PolicyAttributes
from policies.principal import Principal

RAISED = "RAISED"
"""RESTRICTED by a raise that no caller with rights on the asset confirmed."""

AXES: Mapping[str, tuple[str, ...]] = {
    "owner": ("own", "other", "nobody"),
    "visibility": tuple(each.name for each in Visibility),
    "sensitivity": (*(each.name for each in Sensitivity), RAISED),
    "stage": tuple(each.name for each in LifecycleStage),
    "kind": tuple(kind.code for kind in KINDS.values()),
}
"""The axes of a class with their values; the owner ``own`` is one of `Principal.owners` of the caller."""

OTHER = "mlg://team/catalog/default/another-team"

AssetClass = tuple[str, ...]
"""One value per axis, in the order of :data:`AXES`."""
Block = tuple[frozenset[str], ...]
"""A set of values per axis; the block contains the class of each combination of them."""
Value = TypeVar("Value", bound=Hashable)


def classes(principal: Principal) -> Iterator[tuple[AssetClass, PolicyAttributes]]:
    """Yield every class with its policy attributes; without the owner ``own`` for a caller without owners."""
    owners = {"own": min(principal.owners, default=None), "other": OTHER, "nobody": ""}
    for asset_class in product(*AXES.values()):
        owner, visibility, sensitivity, stage, kind = asset_class
        urn = owners[owner]
        if urn is not None:
            yield asset_class, attributes_of(kind, urn, visibility, sensitivity, stage)


def attributes_of(kind: str, owner: str, visibility: str, sensitivity: str, stage: str) -> PolicyAttributes:
    """Return the policy attributes of a class; RAISED is RESTRICTED, of which INTERNAL is confirmed."""
    if sensitivity == RAISED:
        return PolicyAttributes(kind, owner, visibility, "RESTRICTED", stage, "INTERNAL")
    return PolicyAttributes(kind, owner, visibility, sensitivity, stage, sensitivity)


def blocks(members: Iterable[AssetClass]) -> list[Block]:
    """Return few blocks that together contain each of the classes once, and no other class.

    Classes that agree on all other axes are joined, axis by axis, beginning with the last.
    """
    found = [tuple(frozenset({value}) for value in asset_class) for asset_class in members]
    for axis in reversed(range(len(AXES))):
        joined: dict[Block, frozenset[str]] = {}
        for block in found:
            rest = (*block[:axis], *block[axis + 1 :])
            joined[rest] = joined.get(rest, frozenset()) | block[axis]
        found = [(*rest[:axis], values, *rest[axis:]) for rest, values in joined.items()]
    return found


def group_blocks(values: Mapping[AssetClass, Value]) -> Iterator[tuple[Value, Block]]:
    """Yield each value with each block of the classes that have it; the values in the order of ``values``."""
    classes_of: dict[Value, list[AssetClass]] = {}
    for asset_class, value in values.items():
        classes_of.setdefault(value, []).append(asset_class)
    for value, members in classes_of.items():
        yield from ((value, block) for block in blocks(members))


def format_block(block: Block, principal: Principal) -> list[str]:
    """Return one cell of text per axis: ``*`` for every value, ``not A,B`` for all but a few, else the values."""
    return [_format_values(values, _axis(name, principal)) for values, name in zip(block, AXES, strict=True)]


def _axis(name: str, principal: Principal) -> tuple[str, ...]:
    return AXES[name] if name != "owner" or principal.owners else AXES[name][1:]


def _format_values(values: frozenset[str], axis: tuple[str, ...]) -> str:
    left_out = [value for value in axis if value not in values]
    if not left_out:
        return "*"
    named = [value for value in axis if value in values]
    return f"not {','.join(left_out)}" if len(left_out) < min(len(named), 5) else ",".join(named)
