"""What is committed works for everybody: no machine's paths, no registry's address, a reason for each dependency."""

import json
import re

import pytest
from support.source_tree import files, read

REQUIREMENTS = ("base", "bootstrap", "dev")
LOCKS = [*(f"requirements/{name}.txt" for name in REQUIREMENTS), "app/store/embedded/janusgraph.lock"]
LOCKS += [name for name in files() if name.endswith("package-lock.json")]

MACHINE_PATH = re.compile(r"(?<![\w.~$}-])/(?:home|Users|root|work|mnt)/\w")


@pytest.mark.parametrize("lock", LOCKS)
def test_locks_name_no_registry(lock: str) -> None:
    """Each client finds its registry by its own configuration: a lock that names one fails behind another."""
    assert "://" not in read(lock)


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_python_locks_have_hashes(name: str) -> None:
    """Every locked package is pinned, and so are its bytes."""
    entries = re.split(r"\n(?=\S)", re.sub(r"(?m)^#.*\n", "", read(f"requirements/{name}.txt")).strip())
    loose = [entry.splitlines()[0] for entry in entries if "==" not in entry or "--hash=sha256:" not in entry]
    assert entries
    assert loose == []


def test_nothing_names_a_path_of_one_machine() -> None:
    """No file refers to somebody's home or workplace."""
    texts = (name for name in files() if not name.endswith((".png", ".ico", ".woff2")))
    found = [f"{name}:{match.group()}" for name in texts for match in MACHINE_PATH.finditer(read(name))]
    assert found == []


def asked_for() -> set[str]:
    """The names in requirements/*.in and in the package.json files."""
    python = {
        name for lock in REQUIREMENTS for name in re.findall(r"(?m)^[a-z][\w-]*", read(f"requirements/{lock}.in"))
    }
    manifests = [json.loads(read(name)) for name in files() if name.endswith("/package.json")]
    return python | {name for manifest in manifests for name in manifest.get("dependencies", {})}


def test_every_dependency_has_its_reason() -> None:
    """docs/dependencies.md has a row for each dependency that we ask for, and for no other."""
    rows = re.findall(r"(?m)^\| `([^`]+)` \|(.*)\|(.*)\|(.*)\|$", read("docs/dependencies.md"))
    assert {name for name, *_ in rows} == asked_for()
    assert [name for name, *cells in rows if not all(cell.strip() for cell in cells)] == []
