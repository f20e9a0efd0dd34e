"""What a caller sees of an estate: the rules of the policy for the few cases that an estate has, in plain Python."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from bench.estate import Asset, Estate, team_urn

PUBLIC: Final = frozenset({"id", "name", "displayName", "namespace", "version"})
"""Fields of an asset that callers see who may only discover it."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A persona of the development issuer: its team, and whether it reads the assets of all teams."""

    name: str
    team: str
    reads_all: bool


CALLERS: Final = {
    "ada": Caller("ada", team_urn("ranking"), reads_all=False),
    "cy": Caller("cy", team_urn("governance"), reads_all=True),
}
"""An engineer of one team, and the auditor of all teams."""


@dataclass(frozen=True, slots=True)
class View:
    """An estate as one caller sees it."""

    estate: Estate
    caller: Caller

    def is_visible(self, urn: str) -> bool:
        """Return whether the caller may discover an asset."""
        return self._is_own(urn) or self.estate.assets[urn].visibility == "ORG"

    def is_read(self, urn: str) -> bool:
        """Return whether the caller may read an asset: a draft only if it is of the caller's team."""
        return self._is_own(urn) or (self.is_visible(urn) and self.estate.assets[urn].fields["stage"] != "DRAFT")

    def _is_own(self, urn: str) -> bool:
        return self.caller.reads_all or self.owner(urn) == self.caller.team

    def owner(self, urn: str) -> str:
        """Return the team of an asset: its own, else that of its parent; empty if there is none."""
        asset = self.estate.assets[urn]
        return asset.owner or (self.owner(asset.parent) if asset.parent else "")

    def fields(self, urn: str, *names: str) -> dict[str, object]:
        """Return the values of some fields of an asset, None for those that are hidden."""
        asset, read = self.estate.assets[urn], self.is_read(urn)
        return {name: asset.fields[name] if read or name in PUBLIC else None for name in names}

    def team(self, urn: str, *names: str) -> Mapping[str, object] | None:
        """Return the values of some fields of the team of an asset, None if it has no team."""
        owner = self.owner(urn)
        return {name: self.estate.teams[owner][name] for name in names} if owner else None

    def listed(self, kind: str) -> Iterator[Asset]:
        """Yield the visible assets of a kind, by id."""
        return (each for each in self.estate.of_kind(kind) if self.is_visible(each.urn))
