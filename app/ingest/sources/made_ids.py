"""Decides what imports of DataHub, Feast and dbt do with objects without an id of their own: these alone are not sent.

An object has no id if none can be made of its name and the other parts. A reference to it is left out: it mostly had
none before, so that no edge to it is stored. An id that several objects would have is contested, and none of them is
sent. References to it stay, so that no stored edge ends.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator
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
    _owners: dict[str, list[str]] = field(default_factory=dict)
    _failures: dict[Hashable, ItemResult] = field(default_factory=dict)
    _further: list[ItemResult] = field(default_factory=list)

    @property
    def failures(self) -> list[ItemResult]:
        """One result for each object that is not sent, and for each object with a tag without a name."""
        return [*self._failures.values(), *self._further, *self._contests()]

    def of(self, key: Hashable, location: str, make: Callable[[], str], by: Hashable = None) -> str | None:
        """Return the id of an object, None if none can be made.

        ``location`` names the object in messages, and ``by`` is what refers to it, None for the object itself.
        """
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

    def own(self, key: Hashable, location: str, make: Callable[[], str]) -> str | None:
        """Return the id of an object as `of` does, as the object's own: call this once for each object.

        Only when all objects have their ids, it is known which are `contested`.
        """
        urn = self.of(key, location, make)
        if urn is not None:
            self._owners.setdefault(urn, []).append(location)
        return urn

    def contested(self, urn: str) -> bool:
        """Return whether several objects have an id as their own, so that none of them may be sent."""
        return len(self._owners.get(urn, ())) > 1

    def fail(self, location: str, reason: str) -> None:
        """Add the failure of an object that is not sent for another reason."""
        self._further.append(ItemResult(location, "INVALID", (f"{reason} It is not sent.",)))

    def lacks(self, key: Hashable) -> bool:
        """Return whether an object was asked for and no id can be made of it."""
        return key in self._made and self._made[key] is None

    def tags(self, location: str, names: Iterable[str]) -> list[str]:
        """Return the ids of the tags of an object; a tag without a name is left out, and is a failure of the object."""
        given = list(names)
        if "" in given:
            reason = f"A tag has no name, and is left out; name or remove it in {self.source}."
            self._failures[location, "tags"] = ItemResult(location, "INVALID", (reason,))
        return [make_urn("tag", "catalog", "", name) for name in given if name]

    def _contests(self) -> Iterator[ItemResult]:
        """Yield a failure for each object with a contested id; it names one of the others."""
        for urn, locations in self._owners.items():
            for number, location in enumerate(locations if len(locations) > 1 else ()):
                reason = (
                    f"{location} and {locations[not number]} would both become {urn}; rename one of them in "
                    f"{self.source}. None of them is sent, and what is stored stays."
                )
                yield ItemResult(location, "INVALID", (reason,))
