"""Decides what an import does with an object that has no id: it fails alone, and the rest of the source is sent.

An object has no id if none can be made of its name and the other parts, or if an earlier object has the same one. Its
item is not sent, and a reference to it is left out.
"""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import Final

from app.ingest.load.batches import ItemResult
from graphql_schema.catalog.urn import make_urn
from policies.errors import InvalidError

WITHOUT_ID: Final = "reference without an id"
"""The name under which an import counts references that it leaves out, because their object has no id."""


@dataclass(slots=True)
class MadeIds:
    """The ids of the objects of one source, by a key of each object; ``source`` is its name in messages.

    ``left_out`` has the references to objects without an id: what refers to the object, and the key of the object.
    """

    source: str
    left_out: set[tuple[Hashable, Hashable]] = field(default_factory=set)
    _made: dict[Hashable, str | None] = field(default_factory=dict)
    _holders: dict[str, str] = field(default_factory=dict)
    _failures: dict[Hashable, ItemResult] = field(default_factory=dict)

    @property
    def failures(self) -> list[ItemResult]:
        """One result for each object without an id, and for each object with a tag without a name."""
        return list(self._failures.values())

    def own(self, key: Hashable, location: str, make: Callable[[], str], by: Hashable = None) -> str | None:
        """Return the id of an object, None if it has none; of several objects, the first keeps an id.

        ``location`` names the object in messages, and ``by`` is what refers to it, None for the object itself.
        """
        return self._of(key, location, lambda: self._held(location, make()), by)

    def common(self, key: Hashable, location: str, make: Callable[[], str], by: Hashable = None) -> str | None:
        """Return the id of an object as `own` does; several objects may have it, such as two sources with one table."""
        return self._of(key, location, make, by)

    def lacks(self, key: Hashable) -> bool:
        """Return whether an object was asked for and has no id."""
        return key in self._made and self._made[key] is None

    def tags(self, location: str, names: Iterable[str]) -> list[str]:
        """Return the ids of the tags of an object; a tag without a name is left out, and is a failure of the object."""
        given = list(names)
        if "" in given:
            reason = f"A tag has no name, and is left out; name or remove it in {self.source}."
            self._failures[location, "tags"] = ItemResult(location, "INVALID", (reason,))
        return [make_urn("tag", "catalog", "", name) for name in given if name]

    def _of(self, key: Hashable, location: str, make: Callable[[], str], by: Hashable) -> str | None:
        if key not in self._made:
            try:
                self._made[key] = make()
            except InvalidError as error:
                self._made[key] = None
                reason = f"{error.message} It is left out, and so are references to it; correct it in {self.source}."
                self._failures[key] = ItemResult(location, "INVALID", (reason,))
        if self._made[key] is None and by is not None:
            self.left_out.add((by, key))
        return self._made[key]

    def _held(self, location: str, urn: str) -> str:
        """Return an id for the first location that asks; raises InvalidError for another one."""
        holder = self._holders.setdefault(urn, location)
        if holder != location:
            raise InvalidError(f"{location} and {holder} would both become {urn}; rename one of them.")
        return urn
