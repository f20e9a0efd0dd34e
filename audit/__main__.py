"""Runs the audit: ``make audit``, or ``make audit ADVISORIES=osv``. Each part runs, and each failure is printed.

The tools are in an environment of their own (``requirements/audit.txt``), named by the variable AUDIT.
"""

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from app.store.embedded.jars import locked_jars
from audit.advisories import AuditError, accepted_weaknesses, weaknesses
from audit.components import GRAPHIQL_LOCK, with_jars, with_npm, without_lines_of_the_lock
from audit.licences import Licences, refused

BUILD = Path("audit/results")
LOCKS = tuple(f"requirements/{name}.txt" for name in ("base", "bootstrap", "mlflow", "dev", "audit"))
RELEASED = "requirements/base.txt"
"""The lock of what a release runs on."""

PRODUCT = "model-lifecycle-graph"
TOOLS = Path(os.environ.get("AUDIT", ".venv-audit/bin"))
_console = Console(stderr=True, highlight=False)


def tool(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a tool of the audit; raises AuditError if it is not installed."""
    command = TOOLS / name
    if not command.exists():
        raise AuditError(f"{command} is missing; run `make audit`, which installs it.")
    return subprocess.run([command, *arguments], capture_output=True, text=True, check=False)  # noqa: S603 - our tools


def licences() -> Licences:
    """Return what ``audit/licences.toml`` says."""
    return Licences.of(tomllib.loads(Path("audit/licences.toml").read_text("utf-8")))


def check_advisories() -> list[str]:
    """Compare all locks with the advisories, and return the failures."""
    accepted = accepted_weaknesses(tomllib.loads(Path("audit/accepted.toml").read_text("utf-8"))["weakness"])
    locks = [argument for lock in LOCKS for argument in ("--requirement", lock)]
    service = os.environ.get("ADVISORIES", "pypi")
    options = ("--disable-pip", "--require-hashes", "--format", "json", "--progress-spinner", "off")
    done = tool("pip-audit", *locks, *options, "--vulnerability-service", service)
    (BUILD / "advisories.json").write_text(done.stdout)
    (BUILD / "advisories.log").write_text(done.stderr)
    return weaknesses(done.stdout, accepted, datetime.now(UTC).date())


def check_licences() -> list[str]:
    """Compare the licences of the installed packages, the jars and the files of npm, and return the failures."""
    known = licences()
    done = tool("pip-licenses", "--python", sys.executable, "--format", "json", "--from", "mixed")
    if done.returncode:
        raise AuditError(f"pip-licenses failed: {done.stderr.strip().splitlines()[-1:]}")
    installed = [each for each in json.loads(done.stdout) if each["Name"] != PRODUCT]
    packages = [(each["Name"], known.of_package(each["Name"], each["License"])) for each in installed]
    jars = [(str(jar), known.of_jar(jar.group)) for jar in locked_jars()]
    found = [*packages, *jars, *known.npm.items()]
    (BUILD / "licences.json").write_text(json.dumps(dict(sorted(found)), indent=1))
    return refused(known, found)


def write_components() -> list[str]:
    """Write the list of components of a release, and return what is wrong with it."""
    done = tool("cyclonedx-py", "requirements", RELEASED, "--output-format", "JSON", "--spec-version", "1.6")
    if done.returncode:
        raise AuditError(f"cyclonedx-py failed: {done.stderr.strip().splitlines()[-1:]}")
    packages: dict[str, Any] = without_lines_of_the_lock(json.loads(done.stdout))
    document = with_jars(packages, locked_jars(), licences())
    path = BUILD / "components.cdx.json"
    path.write_text(json.dumps(with_npm(document, GRAPHIQL_LOCK.read_text("utf-8"), licences()), indent=1))
    checked = tool("python", "audit/validate.py", str(path))
    return [checked.stderr.strip()] if checked.returncode else []


PARTS: dict[str, Callable[[], list[str]]] = {
    "licences": check_licences,
    "components": write_components,
    "advisories": check_advisories,
}


def main() -> int:
    """Run all parts and return the exit status: 1 if one of them failed."""
    BUILD.mkdir(parents=True, exist_ok=True)
    failed = 0
    for name, part in PARTS.items():
        try:
            lines = part()
        except AuditError as error:
            lines = [str(error)]
        failed += bool(lines)
        _console.print(f"{name}: {'failed' if lines else 'passed'}, see {BUILD}")
        for line in lines:
            _console.print(f"  {line}", soft_wrap=True)
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
