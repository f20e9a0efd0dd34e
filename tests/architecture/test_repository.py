"""The committed files work on every machine: no local paths, no address of a registry, a reason for each dependency."""

import ast
import json
import re
import sys
import tomllib

import pytest
from support.source_tree import files, read

REQUIREMENTS = ("base", "bootstrap", "mlflow", "dev", "audit", "clients", "site", "sources")
LOCKS = [f"requirements/{name}.txt" for name in REQUIREMENTS]
LOCKS += [name for name in files() if name.endswith((".lock", "package-lock.json"))]

MACHINE_PATH = re.compile(r"(?<![\w.~$}-])/(?:home|Users|root|work|mnt)/\w")


@pytest.mark.parametrize("lock", LOCKS)
def test_locks_name_no_registry(lock: str) -> None:
    """No lock contains the address of a registry: it would fail where a client is configured for another registry."""
    assert "://" not in read(lock)


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_python_locks_have_hashes(name: str) -> None:
    """Every locked package has a version and a hash."""
    entries = re.split(r"\n(?=\S)", re.sub(r"(?m)^#.*\n", "", read(f"requirements/{name}.txt")).strip())
    loose = [entry.splitlines()[0] for entry in entries if "==" not in entry or "--hash=sha256:" not in entry]
    assert entries
    assert loose == []


def test_nothing_names_a_path_of_one_machine() -> None:
    """No file contains a path below a home or work folder."""
    texts = (name for name in files() if not name.endswith((".png", ".ico", ".woff2")))
    found = [f"{name}:{match.group()}" for name in texts for match in MACHINE_PATH.finditer(read(name))]
    assert found == []


def required() -> set[str]:
    """Return the names in requirements/*.in and in the package.json files."""
    python = {
        name for lock in REQUIREMENTS for name in re.findall(r"(?m)^[a-z][\w-]*", read(f"requirements/{lock}.in"))
    }
    manifests = [json.loads(read(name)) for name in files() if name.endswith("/package.json")]
    kinds = ("dependencies", "devDependencies")
    return python | {name for manifest in manifests for kind in kinds for name in manifest.get(kind, {})}


@pytest.mark.parametrize("example", [name for name in files() if re.fullmatch(r"examples/.*\.py", name)])
def test_an_example_declares_what_it_imports(example: str) -> None:
    """The block of an example (PEP 723) lists the packages that it imports, each of them locked, and no others."""
    text = read(example)
    block = re.search(r"(?ms)^# /// script\n(.*?)^# ///$", text)
    assert block is not None
    declared = tomllib.loads(re.sub(r"(?m)^# ?", "", block[1]))["dependencies"]
    nodes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Import | ast.ImportFrom)]
    imported = {node.module or "" if isinstance(node, ast.ImportFrom) else node.names[0].name for node in nodes}
    packages = {name.partition(".")[0] for name in imported} - sys.stdlib_module_names
    assert sorted(declared) == sorted(packages)
    assert packages <= set(re.findall(r"(?m)^([\w-]+)==", read("requirements/base.txt")))


def test_every_dependency_has_its_reason() -> None:
    """docs/dependencies.md has a row for each required dependency and for no other, without an empty cell."""
    rows = re.findall(r"(?m)^\| `([^`]+)` \|(.*)\|(.*)\|(.*)\|$", read("docs/dependencies.md"))
    assert {name for name, *_ in rows} == required()
    assert [name for name, *cells in rows if not all(cell.strip() for cell in cells)] == []
