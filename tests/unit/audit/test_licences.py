"""Which licences are allowed, and that each component of a release has one."""

import re
import tomllib
from importlib.metadata import distributions
from typing import Any

import pytest
from support.source_tree import read

from app.store.embedded.jars import locked_jars
from audit.components import GRAPHIQL_LOCK
from audit.licences import Licences, refused

CONTENT: dict[str, Any] = tomllib.loads(read("audit/licences.toml"))
LICENCES = Licences.of(CONTENT)
SMALL = Licences.of({"allowed": ["MIT", "Apache-2.0"], "names": {"MIT License": "MIT"}, "packages": {"a": "MIT"},
                     "jars": {}, "npm": {}})  # fmt: skip


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("mit", True),
        ("GPL-3.0-only", False),
        ("MIT OR GPL-3.0-only", True),
        ("GPL-3.0-only OR MIT", True),
        ("MIT AND GPL-3.0-only", False),
        ("MIT AND Apache-2.0", True),
        ("MIT AND (GPL-3.0-only OR Apache-2.0)", True),
        ("GPL-3.0-only AND (MIT OR Apache-2.0)", False),
        ("(MIT OR GPL-3.0-only) AND (GPL-3.0-only OR Apache-2.0)", True),
        ("MIT OR Apache-2.0 AND GPL-3.0-only", True),
        ("GPL-3.0-only OR Apache-2.0 AND GPL-3.0-only", False),
        ("MIT WITH Classpath-exception-2.0", False),
        ("BSD License", False),
        ("UNKNOWN", False),
        ("", False),
    ],
)
def test_an_expression_is_allowed_if_it_can_be_met(expression: str, allowed: bool) -> None:  # noqa: FBT001 - a column
    """One of several alternatives is enough, all that apply together are needed, and a text is no licence."""
    assert SMALL.allows(expression) is allowed


def test_a_name_is_read_as_its_licence() -> None:
    """The file gives the licence of a package, else that of the stated name, else the stated text counts."""
    assert SMALL.of_package("A", "GPL-3.0-only") == "MIT"
    assert SMALL.of_package("b", "MIT License") == "MIT"
    assert SMALL.of_package("b", "ISC") == "ISC"
    assert SMALL.of_jar("org.unknown") == ""


def test_what_is_not_allowed_is_named_with_the_cure() -> None:
    """A component is named with its licence, and one without a licence as unknown."""
    lines = refused(SMALL, [("good", "MIT"), ("bad", "GPL-3.0-only"), ("none", "")])
    assert [line.split(", which")[0] for line in lines] == [
        "bad has the licence 'GPL-3.0-only'",
        "none has the licence 'UNKNOWN'",
    ]
    assert all("audit/licences.toml" in line for line in lines)


def test_every_jar_and_npm_package_has_an_allowed_licence() -> None:
    """The groups of the lock of jars are those of the file, and the npm packages are those of the lock of GraphiQL."""
    jars = locked_jars()
    assert {jar.group for jar in jars} == CONTENT["jars"].keys()
    npm = {line.split()[1].rsplit("@", 1)[0] for line in read(str(GRAPHIQL_LOCK)).splitlines() if line[:1] != "#"}
    assert npm == CONTENT["npm"].keys()
    found = [*((str(jar), LICENCES.of_jar(jar.group)) for jar in jars), *LICENCES.npm.items()]
    assert refused(LICENCES, found) == []


def test_a_family_of_licences_has_an_entry_for_each_package() -> None:
    """An installed package whose metadata name only "BSD" has its licence in the file; `make audit` compares all."""
    for distribution in distributions():
        classifiers = distribution.metadata.get_all("Classifier") or []
        if (
            "License-Expression" not in distribution.metadata
            and "License :: OSI Approved :: BSD License" in classifiers
        ):
            name = re.sub(r"[-_.]+", "-", distribution.metadata["Name"]).lower()
            assert LICENCES.allows(LICENCES.packages.get(name, "")), name
