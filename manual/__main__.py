"""Builds the documentation as a site: ``make site``. A warning of Sphinx or a link that leads nowhere is an error.

Sphinx is in an environment of its own (``requirements/site.txt``), named by the variable SITE. The build needs no
network; only the library that draws diagrams is fetched with npm, once.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from graphql import build_schema as schema_of_sdl
from rich.console import Console

from app.http.npm.npm_files import fetched
from app.settings import Settings
from graphql_schema.operation.field_guards import governed_fields
from graphql_schema.schema import build_schema
from manual.checked_links import broken_links
from manual.navigation import ROOT, read_navigation
from manual.page_sources import write_sources
from manual.policy_reference import policy_pages
from manual.schema_reference import schema_pages
from policies.policy import Policy
from policies.vocabulary import Label

RESULTS: Final = ROOT / "manual" / "results"
SOURCES: Final = RESULTS / "sources"
PAGES: Final = RESULTS / "html"
_STATIC: Final = RESULTS / "static"
_HERE: Final = ROOT / "manual"
_console = Console(highlight=False, soft_wrap=True)


def generated_pages() -> dict[str, dict[str, str]]:
    """Return the generated pages by path, for each generator that the navigation names."""
    governed = governed_fields(build_schema().core)
    policy = Policy.load(None, governed)
    labels = {
        f"{name}.{field}": str(label)
        for name, fields in policy.labels.items()
        for field, label in fields.items()
        if label is not Label.INTERNAL
    }
    schema = schema_of_sdl((ROOT / "graphql_schema" / "schema.graphql").read_text("utf-8"))
    return {"schema": schema_pages(schema, labels), "policy": policy_pages(policy)}


def main() -> int:
    """Build the site and return the exit status: 1 if Sphinx has a warning, or if a link leads nowhere."""
    shutil.rmtree(RESULTS, ignore_errors=True)
    write_sources(ROOT, SOURCES, read_navigation(), generated_pages())
    shutil.copytree(_HERE / "static", _STATIC)
    for name, content in fetched(_HERE / "mermaid.lock", Settings.from_env().cache_dir / "site").items():
        (_STATIC / name).write_bytes(content)
    command = Path(os.environ.get("SITE", ".venv-site/bin")).absolute() / "sphinx-build"
    options = ("--quiet", "--fail-on-warning", "--keep-going", "--jobs", "auto", "-b", "html", "-c", _HERE)
    environment = {**os.environ, "SITE_STATIC": str(_STATIC)}
    done = subprocess.run([command, *options, SOURCES, PAGES], env=environment, check=False)  # noqa: S603 - our command
    problems = broken_links(PAGES)
    for problem in problems:
        _console.print(problem, style="red", markup=False)
    if done.returncode or problems:
        return 1
    _console.print(f"{len([*PAGES.rglob('*.html')])} pages: {(PAGES / 'index.html').as_uri()}", markup=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
