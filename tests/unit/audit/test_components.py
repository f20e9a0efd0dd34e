"""The list of components: what is added to that of cyclonedx-py."""

import re
from typing import Any

from support.source_tree import read

from app.store.embedded.jars import locked_jars
from audit.components import GRAPHIQL_LOCK, with_jars, with_npm, without_lines_of_the_lock
from audit.licences import Licences

LICENCES = Licences.of({"allowed": [], "names": {}, "packages": {}, "jars": {"org.slf4j": "MIT"},
                        "npm": {"react": "MIT", "@a/b": "ISC"}})  # fmt: skip
EMPTY: dict[str, Any] = {"specVersion": "1.6", "components": [], "dependencies": []}


def test_every_locked_package_and_jar_is_listed() -> None:
    """Each line of both locks is one component with its version, its address and, of a jar, its SHA-256."""
    document = with_npm(with_jars(EMPTY, locked_jars(), LICENCES), read(str(GRAPHIQL_LOCK)), LICENCES)
    lines = [line.split() for line in read("app/store/embedded/janusgraph.lock").splitlines() if line[0] != "#"]
    jars = {(*line[0].split(":"), line[1]) for line in lines}
    found = document["components"]
    assert {(c["group"], c["name"], c["version"], c["hashes"][0]["content"]) for c in found if "group" in c} == jars
    npm = set(re.findall(r"(?m)^[\w.-]+ (\S+)@([\d.]+) ", read(str(GRAPHIQL_LOCK))))
    assert {(c["name"], c["version"]) for c in found if "group" not in c} == npm
    assert len(found) == len(jars) + len(npm)
    assert [entry["ref"] for entry in document["dependencies"]] == [c["bom-ref"] for c in found]
    assert len({c["bom-ref"] for c in found}) == len(found)


def test_a_component_has_the_form_of_its_registry() -> None:
    """The address of a package is a purl, whose scope is encoded; the licence is that of the file."""
    slf4j = next(jar for jar in locked_jars() if jar.artifact == "slf4j-api")
    (jar,) = with_jars(EMPTY, [slf4j], LICENCES)["components"]
    assert jar["purl"] == f"pkg:maven/org.slf4j/slf4j-api@{slf4j.version}"
    assert jar["licenses"] == [{"expression": "MIT"}]
    (scoped,) = with_npm(EMPTY, "x.js @a/b@1.2 x.js 00\n", LICENCES)["components"]
    assert (scoped["purl"], scoped["name"], scoped["version"]) == ("pkg:npm/%40a/b@1.2", "@a/b", "1.2")


def test_the_components_of_the_tool_remain() -> None:
    """What cyclonedx-py found stays, without the lines of the lock."""
    given = {**EMPTY, "components": [{"name": "x", "version": "1", "description": "requirements line 3"}]}
    assert without_lines_of_the_lock(given)["components"] == [{"name": "x", "version": "1"}]
    assert with_npm(given, "", LICENCES) == given
