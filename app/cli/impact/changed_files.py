"""Changed files, and the assets that they name by their `codeRef` or `location`."""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from app.ingest.load.api_client import ApiClient

MAX_PATHS: Final = 90
"""Maximal number of paths in one request: each is a value of two filters, of whose values one request has 200."""

NAMED: Final = """query NamedAssets($paths: [String!]!, $after: Cursor) {
  assets(filter: {or: [{codeRefEndsWith: $paths}, {locationEndsWith: $paths}]}, first: 500, after: $after) {
    nodes { id displayName ...R }
    pageInfo { hasNextPage endCursor } } }
fragment R on Asset {
  ... on Workflow { reference: codeRef runs(first: 10) { nodes { id } } } ... on ModelVersion { reference: codeRef }
  ... on Dataset { reference: location } ... on DatasetVersion { reference: location } }"""
"""The assets that paths name, page by page; a workflow has its newest runs, because these made what it is for."""


@dataclass(frozen=True, slots=True, order=True)
class NamedAsset:
    """An asset that a changed file names; ``reference`` is its `codeRef` or `location`.

    ``runs`` are the ids of the ten newest runs of a workflow, as far as they are visible.
    """

    id: str
    name: str
    reference: str
    runs: tuple[str, ...] = ()


def listed_files(text: str) -> list[str]:
    """Return the files of a list: one per line, or each before a NUL, as `git diff -z --name-only` prints them."""
    lines = text.split("\0") if "\0" in text else text.splitlines()
    return [line for line in lines if line.strip()]


def paths_of(files: Iterable[str], projects: Iterable[str] = ()) -> list[str]:
    """Return the paths by which changed files are looked up, each once.

    A file in one of the folders ``projects`` has a second name, relative to that folder. Each name gives its own path
    and those of its folders, because a reference may name the folder. A folder of a single name, such as `src`, occurs
    everywhere: it is looked up only as the path in a repository or project, behind `#` or `://`.
    """
    inside = [PurePosixPath(_plain(project)) for project in projects]
    return [*dict.fromkeys(path for file in files for name in _names(file, inside) for path in _paths(name))]


def _names(file: str, projects: Sequence[PurePosixPath]) -> Iterator[PurePosixPath]:
    name = PurePosixPath(_plain(file))
    yield name
    for project in projects:
        if name.is_relative_to(project) and name != project:
            yield name.relative_to(project)


def _paths(name: PurePosixPath) -> Iterator[str]:
    if name.name:
        yield str(name)
    for folder in name.parents:
        if len(folder.parts) > 1:
            yield str(folder)
        elif folder.parts:
            yield f"#{folder}"
            yield f"://{folder}"


def _plain(path: str) -> str:
    return path.strip().replace("\\", "/").lstrip("/")


async def named_assets(client: ApiClient, paths: Sequence[str], repository: str = "") -> AsyncIterator[NamedAsset]:
    """Yield the visible assets that paths name, some more than once; raises the errors of `ApiClient.execute`.

    Of these, only those are yielded whose reference contains the text ``repository``.
    """
    for start in range(0, len(paths), MAX_PATHS):
        some = paths[start : start + MAX_PATHS]
        after, more = None, True
        while more:
            page = (await client.execute(NAMED, {"paths": some, "after": after}))["assets"]
            for node in page["nodes"]:
                if repository in (node.get("reference") or ""):
                    runs = (run["id"] for run in (node.get("runs") or {}).get("nodes", ()))
                    yield NamedAsset(node["id"], node["displayName"], node["reference"], tuple(runs))
            after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
