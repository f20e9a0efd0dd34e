"""Changed files: how a list is read, by which paths a file is looked up, and how pages of assets are joined."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import httpx2
import pytest
from support.source_tree import read

from app.cli.impact.changed_files import MAX_PATHS, NamedAsset, listed_files, named_assets, paths_of
from app.ingest.load.api_client import ApiClient

COMMIT = "git -c user.name=a -c user.email=a@example.com commit -q -m change"


@pytest.mark.parametrize(
    ("text", "files"),
    [
        ("a.py\nb c.py\n\n", ["a.py", "b c.py"]),
        ("a\nb.py\0c.py\0", ["a\nb.py", "c.py"]),
        ("a.py\r\n", ["a.py"]),
        ("", []),
    ],
)
def test_a_list_has_lines_or_nul_characters(text: str, files: list[str]) -> None:
    """A NUL ends each name of `git diff -z`, so that a name may contain the end of a line."""
    assert listed_files(text) == files


@pytest.mark.parametrize("recipe", re.findall("git diff .* > changed.txt", read("docs/changed-files.md")))
def test_the_recipes_name_both_paths_of_a_renamed_file(tmp_path: Path, recipe: str) -> None:
    """The assets refer to the former path, which git leaves out of its names by default."""
    (tmp_path / "orders.sql").write_text("select 1\n" * 40)
    script = f"""git init -q && git add . && {COMMIT} && git tag base
        git mv orders.sql sales.sql && {COMMIT}
        {re.sub("[$][A-Z_]+", "base", recipe)}"""
    own = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    subprocess.run(["/bin/sh", "-e", "-c", script], cwd=tmp_path, env=own, check=True)  # noqa: S603 - of our page
    assert sorted(listed_files((tmp_path / "changed.txt").read_text())) == ["orders.sql", "sales.sql"]


@pytest.mark.parametrize(
    ("file", "projects", "paths"),
    [
        ("train.py", [], ["train.py"]),
        ("src/train.py", [], ["src/train.py", "#src", "://src"]),
        ("/a/b/c.py", [], ["a/b/c.py", "a/b", "#a", "://a"]),
        ("a\\b.py", [], ["a/b.py", "#a", "://a"]),
        (
            "dbt/models/a.sql",
            ["./dbt/"],
            ["dbt/models/a.sql", "dbt/models", "#dbt", "://dbt", "models/a.sql", "#models", "://models"],
        ),
        ("dbt2/a.sql", ["dbt"], ["dbt2/a.sql", "#dbt2", "://dbt2"]),
        ("dbt", ["dbt"], ["dbt"]),
        ("", [], []),
    ],
)
def test_a_file_is_looked_up_with_its_folders(file: str, projects: list[str], paths: list[str]) -> None:
    """A folder of one name is looked up only as a complete path; a project gives a second name."""
    assert paths_of([file], projects) == paths


def test_equal_paths_are_looked_up_once() -> None:
    """Files of one folder share its path."""
    assert paths_of(["a/b/1.py", "a/b/2.py"]) == ["a/b/1.py", "a/b", "#a", "://a", "a/b/2.py"]


async def test_many_paths_and_pages_are_read_in_turn() -> None:
    """Each request has a part of the paths, and each page of its assets is read; other repositories are left out."""
    sent: list[tuple[int, str | None]] = []

    def respond(request: httpx2.Request) -> httpx2.Response:
        variables = json.loads(request.content)["variables"]
        sent.append((len(variables["paths"]), variables["after"]))
        last = variables["after"] is not None
        nodes: list[dict[str, Any]] = [
            {"id": f"mlg://{len(sent)}", "displayName": "n", "reference": "mine/x", "runs": {"nodes": [{"id": "r"}]}},
            {"id": "mlg://other", "displayName": "o", "reference": "there/x"},
            {"id": "mlg://hidden", "displayName": "h", "reference": None},
        ]
        page = {"nodes": nodes, "pageInfo": {"hasNextPage": not last, "endCursor": "next"}}
        return httpx2.Response(200, json={"data": {"assets": page}})

    async with ApiClient("http://api", "t", transport=httpx2.MockTransport(respond)) as client:
        paths = [str(number) for number in range(MAX_PATHS + 1)]
        found = [each async for each in named_assets(client, paths, "mine")]
    assert sent == [(MAX_PATHS, None), (MAX_PATHS, "next"), (1, None), (1, "next")]
    assert found == [NamedAsset(f"mlg://{number}", "n", "mine/x", ("r",)) for number in range(1, 5)]
