"""The list of components of a release (SBOM) in the form of CycloneDX: Python packages, jars and files of npm."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from app.store.embedded.jars import MavenFile
from audit.licences import Licences

GRAPHIQL_LOCK = Path("app/http/graphiql/graphiql.lock")


def with_jars(document: dict[str, Any], jars: Iterable[MavenFile], licences: Licences) -> dict[str, Any]:
    """Return a document of cyclonedx-py with a component for each jar, by its Maven coordinate and SHA-256."""
    return _with(document, [_jar(jar, licences) for jar in jars])


def with_npm(document: dict[str, Any], lock: str, licences: Licences) -> dict[str, Any]:
    """Return a document with a component for each npm package of ``lock``, the text of the lock of GraphiQL."""
    packages = sorted({line.split()[1] for line in lock.splitlines() if line and not line.startswith("#")})
    named = [package.rsplit("@", 1) for package in packages]
    return _with(document, [_npm(name, version, licences.npm) for name, version in named])


def without_lines_of_the_lock(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document of cyclonedx-py without the descriptions, which repeat the lines of the lock."""
    components = [
        {key: value for key, value in each.items() if key != "description"} for each in document["components"]
    ]
    return {**document, "components": components}


def _with(document: dict[str, Any], components: list[dict[str, Any]]) -> dict[str, Any]:
    entries = [{"ref": component["bom-ref"]} for component in components]
    return {
        **document,
        "components": [*document.get("components", ()), *components],
        "dependencies": [*document.get("dependencies", ()), *entries],
    }


def _jar(jar: MavenFile, licences: Licences) -> dict[str, Any]:
    purl = f"pkg:maven/{jar.group}/{jar.artifact}@{jar.version}"
    return {
        "type": "library",
        "bom-ref": purl,
        "group": jar.group,
        "name": jar.artifact,
        "version": jar.version,
        "purl": purl,
        "hashes": [{"alg": "SHA-256", "content": jar.sha256}],
        "licenses": [{"expression": licences.of_jar(jar.group)}],
    }


def _npm(name: str, version: str, licences: Mapping[str, str]) -> dict[str, Any]:
    purl = f"pkg:npm/{name.replace('@', '%40')}@{version}"
    component = {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}
    return {**component, "licenses": [{"expression": licences.get(name, "")}]}
