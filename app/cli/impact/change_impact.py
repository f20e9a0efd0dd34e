"""The impact of changed files: the assets that they name, and what depends on these."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final

from app.cli.impact.changed_files import NamedAsset, named_assets, paths_of
from app.ingest.load.api_client import ApiClient
from graphql_schema.ports.record import JsonObject
from policies.errors import InvalidError

MAX_ROOTS: Final = 100
"""Maximal number of ids at which one impact begins; the API accepts no more."""

IMPACT: Final = """query ChangeImpact($roots: [ID!]!) {
  impact(roots: $roots, maxDepth: 50) {
    total
    countsByKind { kind count }
    services(first: 100) { nodes { depth via asset { id displayName ownerTeam { displayName }
      ... on Service { oncall } } } }
    experiments(first: 100) { nodes { depth via asset { id displayName ownerTeam { displayName } } } }
    teams { assets reasons team { id displayName } }
    teamsComplete
    completeness { state reason }
  } }"""
"""The impact of the named assets."""

PLAN: Final = """mutation PlanChange($input: PlanChangeInput!) {
  planChange(input: $input) { plan { id title status { state waiting } } errors { message inputPath } } }"""
"""Plans the change of the named assets."""

_NOTHING: Final = {
    "total": 0,
    "countsByKind": [],
    "services": {"nodes": []},
    "experiments": {"nodes": []},
    "teams": [],
    "teamsComplete": True,
    "completeness": {"state": "COMPLETE", "reason": None},
}
"""The impact of no asset."""


class FailOn(Enum):
    """The assets whose being reached is a failure."""

    NOTHING = "nothing"
    PRODUCTION = "production"
    ANYTHING = "anything"


@dataclass(frozen=True, slots=True)
class ChangeImpact:
    """The assets that changed files name, ordered by id, and the `impact` of their :attr:`starts` as JSON.

    ``files`` is the number of changed files. ``plan`` is the change plan of the assets as JSON, None without one.
    """

    files: int
    assets: Sequence[NamedAsset] = ()
    impact: JsonObject = field(default_factory=lambda: dict(_NOTHING))
    plan: JsonObject | None = None

    @property
    def starts(self) -> dict[str, str]:
        """The ids at which the impact begins: the assets and the newest runs of workflows, each with a name."""
        found = {run: asset.name for asset in self.assets for run in asset.runs}
        return {**{asset.id: asset.name for asset in self.assets}, **found}

    @property
    def roots(self) -> list[str]:
        """Those of :attr:`starts` whose impact was read."""
        return [*self.starts][:MAX_ROOTS]

    def count(self, kind: str) -> int:
        """Return the number of affected assets of a kind, a value of `AssetKind`."""
        return sum(each["count"] for each in self.impact["countsByKind"] if each["kind"] == kind)

    def reached(self, fail_on: FailOn) -> int:
        """Return the number of affected assets whose being reached is a failure."""
        counts = {
            FailOn.NOTHING: 0,
            FailOn.PRODUCTION: self.count("SERVICE"),
            FailOn.ANYTHING: int(self.impact["total"]),
        }
        return counts[fail_on]

    def gap(self) -> str:
        """Return why the result may lack something, such as `PARTIAL, POLICY`; empty if it is complete."""
        count = len(self.starts)
        if count > MAX_ROOTS:
            return f"{count} assets and runs are changed, and this is the impact of {MAX_ROOTS} of them"
        found = self.impact["completeness"]
        return "" if found["state"] == "COMPLETE" else f"{found['state']}, {found['reason']}"


async def read_change_impact(
    client: ApiClient, files: Sequence[str], projects: Sequence[str] = (), repository: str = ""
) -> ChangeImpact:
    """Return the impact of changed files; raises the errors of `ApiClient.execute`.

    ``projects`` are as for :func:`app.cli.impact.changed_files.paths_of`, and ``repository`` is as for
    :func:`app.cli.impact.changed_files.named_assets`.
    """
    found = {each.id: each async for each in named_assets(client, paths_of(files, projects), repository)}
    named = ChangeImpact(len(files), tuple(found[urn] for urn in sorted(found)))
    if not found:
        return named
    return replace(named, impact=(await client.execute(IMPACT, {"roots": named.roots}))["impact"])


async def planned(client: ApiClient, found: ChangeImpact, key: str) -> ChangeImpact:
    """Return an impact with the change plan of its assets, which is made unless ``key`` was used for one before.

    Without an asset there is no plan. Raises InvalidError if the plan is refused, and the errors of
    `ApiClient.execute`.
    """
    roots = [each.id for each in found.assets][:MAX_ROOTS]
    if not roots:
        return found
    given = {"roots": roots, "title": f"Changed files at {key}"[:300], "idempotencyKey": key}
    payload = (await client.execute(PLAN, {"input": given}))["planChange"]
    if payload["errors"]:
        messages = "; ".join(str(error["message"]) for error in payload["errors"])
        raise InvalidError(f"The change cannot be planned: {messages}")
    return replace(found, plan=payload["plan"])
