"""The commands `mlg policy …`: what they print is what the policy decides, and what the documentation shows."""

import asyncio
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from support.oracles.decision_table import CALLERS, Line, classes, read_table, words
from support.oracles.decision_table import line as read_line
from support.source_tree import read
from support.stores.bulk_vertices import load_one
from typer.testing import CliRunner

from app.cli.command_line import commands
from app.graph.driver.gremlin_client import GremlinClient
from app.policy import git_policy as reference
from app.store.embedded.embedded_store import EmbeddedStore
from app.store.embedded.running_store import running_url
from policies.attributes import PolicyAttributes
from policies.errors import CodedError
from policies.policy import SHIPPED

RANKING = "mlg://team/catalog/default/ranking"
RANKER = "mlg://model-version/test/default/ranker@1"
HIDDEN = "mlg://model-version/test/default/hidden@1"
EXAMPLES = re.findall(r"(?ms)^\$ (mlg policy .*?)\n(.*?)(?=^\$ |^```)", read("docs/policy.md"))


def run(*words: str) -> Any:
    """Run a command line."""
    return CliRunner().invoke(commands, words)


@pytest.fixture(scope="module")
def printed() -> str:
    """Return what `mlg policy matrix` prints, once."""
    return str(run("policy", "matrix").stdout)


def blocks(text: str) -> Iterator[tuple[str, list[Line]]]:
    """The lines of each caller in the output."""
    for block in text.strip().split("\n\n"):
        title, *rows = block.splitlines()
        yield title.partition(":")[0], [read_line(row) for row in rows]


def test_the_matrix_says_what_people_wrote(printed: str) -> None:
    """For every persona and class, the lines of the command mean what the hand-written table says, each class once."""
    table, found = read_table(), dict(blocks(printed))
    assert found.keys() == {*table} & {*found} >= {"ada", "bo", "cy", "ci-ranking", "eli", "root", "root+break-glass"}
    for name, lines in found.items():
        for where, _ in classes(CALLERS[name]):
            for verb in ("sees", "does"):
                assert words(lines, verb, where) == words(table[name], verb, where), (name, where)


def test_the_matrix_is_there_for_programs(printed: str) -> None:
    """`--json` has one object for each line, with every value spelled out."""
    lines = [orjson.loads(line) for line in run("policy", "matrix", "--json").stdout.splitlines()]
    assert len(lines) == printed.count(" | ") // 5
    (eli,) = [line for line in lines if line["caller"] == "eli" and "does" in line]
    assert eli["does"] == ["promote", "approve"]
    assert eli["owner"] == ["own"]
    assert len(eli["kind"]) == 16


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a git repository whose policies are the shipped ones, for the command to compare with."""
    folder = tmp_path / "policies"
    folder.mkdir()
    for file in (*SHIPPED.glob("*.cedar"), SHIPPED / "labels.toml", SHIPPED / "roles.toml"):
        (folder / file.name).write_text(file.read_text())
    git(tmp_path, "init", "-q")
    monkeypatch.setattr(reference, "SHIPPED", folder)
    return folder


def git(folder: Path, *words: str) -> None:
    """Run git as nobody in particular."""
    who = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(folder), *who, *words], check=True, capture_output=True)  # noqa: S603, S607 - our own words


def commit(repository: Path, name: str, old: str, new: str) -> None:
    """Commit the policies with one text replaced, so that the reference differs from the working tree."""
    file = repository / name
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "x")


def test_a_policy_that_means_the_same_does_not_differ(repository: Path) -> None:
    """Another text with the same meaning is no difference, the exit code says so, and for whom was asked is named."""
    commit(repository, "rows.cedar", '["PUBLIC", "INTERNAL"]', '["INTERNAL", "PUBLIC"]')
    result = run("policy", "diff", "HEAD")
    assert result.exit_code == 0
    assert result.stdout.startswith("The texts differ; nothing changes for ada, bo, cy, ")


def test_what_closes_is_named(repository: Path) -> None:
    """A label that became closer since is what each caller who saw the field loses, on the classes where it does."""
    commit(repository, "labels.toml", 'error = "secret"', 'error = "internal"')
    result = run("policy", "diff", "HEAD")
    assert result.exit_code == 1
    assert "loses Run.error | own     | *   | not RESTRICTED" in result.stdout
    assert "gains" not in result.stdout
    assert {name for name, _ in (block.split(":", 1) for block in result.stdout.split("\n\n")[:-1])} == {
        *("ada", "bo", "cy", "ci-ranking", "eli", "root")
    }


def test_one_line_of_a_rule_is_a_line_for_each_caller(repository: Path) -> None:
    """A rule about reading changes what it is about by its name, the fields by their label, and all kinds at once."""
    commit(repository, "rows.cedar", 'resource.stage != "DRAFT"', 'resource.stage != "RETIRED"')
    result = run("policy", "diff", "HEAD")
    (bo,) = [block.splitlines() for block in result.stdout.split("\n\n") if block.startswith("bo:")]
    where = "not own | ORG | PUBLIC,INTERNAL"
    assert [re.sub(" +", " ", line) for line in bo[1:]] == [
        f"loses read, internal fields | {where} | DRAFT | not TEAM,USER,DOMAIN,TAG",
        f"gains read, internal fields | {where} | RETIRED | not TEAM,USER,DOMAIN,TAG",
    ]


def test_what_is_not_compared_is_said(repository: Path) -> None:
    """Roles that were others there are a note: both sides are asked with those of today."""
    commit(repository, "roles.toml", "Registers, links", "Makes, links")
    (repository / "roles.toml").write_text((SHIPPED / "roles.toml").read_text())
    result = run("policy", "diff", "HEAD")
    assert "note: roles.toml differs there and is not compared" in result.stdout
    assert result.stdout.endswith("The two policies are equal.\n")


def test_labels_that_do_not_fit_are_said_and_not_fatal(repository: Path) -> None:
    """A field that had no label there, and a label without a field, are notes; nothing else differs."""
    commit(repository, "labels.toml", 'task = "internal"', 'tusk = "internal"')
    result = run("policy", "diff", "HEAD")
    assert result.exit_code == 0
    assert "note: Model.task has no label there: compared with its current one, internal" in result.stdout
    assert "note: Model.tusk has a label there and is no current field" in result.stdout


@pytest.mark.parametrize("ref", ["no-such-branch", "--output=x"])
def test_an_unknown_reference_is_misuse(repository: Path, ref: str) -> None:
    """What git does not know is said, with exit code 2, and is never an option of git."""
    commit(repository, "rows.cedar", '"ORG"', '"ORG"  ')
    result = run("policy", "diff", "--", ref)
    assert result.exit_code == 2
    assert "git cannot read the policy" in result.stderr


def test_check_refuses_as_start_up_does(tmp_path: Path) -> None:
    """A wrong policy ends with the sentence that teaches how to correct it."""
    (tmp_path / "rows.cedar").write_text("permit(principal, action, resource);")
    (tmp_path / "labels.toml").write_text("")
    result = run("policy", "check", "--folder", str(tmp_path))
    assert result.exit_code == 1
    assert isinstance(result.exception, CodedError)
    assert "Dataset.columns has no label" in result.exception.message


@pytest.fixture(scope="module")
async def store(janusgraph: EmbeddedStore) -> str:
    """Put the assets of the examples into the store that the command finds by its URL."""
    async with GremlinClient(janusgraph.url) as client:
        row = PolicyAttributes("MODEL_VERSION", RANKING, "ORG", "INTERNAL", "ACTIVE")
        await load_one(client, "default", RANKER, row)
        await load_one(client, "default", HIDDEN, row._replace(visibility="TEAM", sensitivity="RESTRICTED"))
    return janusgraph.url


async def explained(*words: str) -> Any:
    """Run `mlg policy explain` beside this event loop."""
    return await asyncio.to_thread(run, "policy", "explain", *words)


@pytest.mark.parametrize(("command", "expected"), EXAMPLES, ids=[command for command, _ in EXAMPLES])
async def test_the_documentation_shows_what_is_printed(
    store: str, monkeypatch: pytest.MonkeyPatch, command: str, expected: str
) -> None:
    """Each example of docs/policy.md runs and prints the lines that stand there, where `…` is anything."""
    monkeypatch.setenv("MLG_STORE_URL", store)
    shown = (await asyncio.to_thread(run, *command.split()[1:])).stdout
    pattern = re.escape(expected.strip()).replace("…", "(?s:.*)")
    assert re.search(pattern, shown), shown


async def test_a_hidden_row_stays_hidden_in_the_explanation(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a row that the subject may not know of, no attribute is printed, but the policies that would open it."""
    monkeypatch.setenv("MLG_STORE_URL", store)
    result = await explained("bo", "read", HIDDEN)
    assert result.exit_code == 0
    assert f"bo read {HIDDEN}: no\naccess grade: hidden\nmissing: rows-org-discover: " in result.stdout
    assert not {"RESTRICTED", "ranking", "TEAM"} & {*re.findall(r"\w+", result.stdout)}
    told = (await explained("anonymous", "discover", HIDDEN)).stdout
    assert "missing: scope:graph:read" in told


async def test_claims_describe_anybody(store: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A caller in a file is judged as a token with these claims would be."""
    monkeypatch.setenv("MLG_STORE_URL", store)
    claims = {"subject": "gil", "groups": ["ranking"], "roles": ["reader"], "scopes": ["graph:read"]}
    (tmp_path / "gil.json").write_bytes(orjson.dumps(claims))
    result = await explained("gil", "discover", HIDDEN, "--claims", str(tmp_path / "gil.json"))
    assert f"gil discover {HIDDEN}: yes\naccess grade: discover" in result.stdout
    assert "decided by rows-team" in result.stdout
    refused = await explained("gil", "read", HIDDEN, "--claims", str(tmp_path / "gil.json"))
    assert "decided by rows-restricted" in refused.stdout
    assert "sensitivity" not in refused.stdout


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("zoe", "read", RANKER), "no persona 'zoe'"),
        (("bo+break-glass", "read", RANKER), "bo has no break-glass"),
        (("bo", "Run.error", RANKER), "Run.error is neither an action nor a governed field of ModelVersion"),
        (("bo", "weights", RANKER), "weights is neither an action"),
        (("bo", "read", "mlg:/x"), "is not an id"),
    ],
)
async def test_misuse_is_told_apart(
    store: str, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], complaint: str
) -> None:
    """Unknown subjects, actions and ids are misuse, with exit code 2 and a sentence."""
    monkeypatch.setenv("MLG_STORE_URL", store)
    result = await explained(*words)
    assert result.exit_code == 2
    assert complaint in result.stderr


async def test_no_such_asset(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An id that is not in the store is said to be unknown."""
    monkeypatch.setenv("MLG_STORE_URL", store)
    result = await explained("bo", "read", "mlg://model/test/default/nothing")
    assert result.exit_code == 1
    assert "mlg://model/test/default/nothing does not exist" in str(result.exception)


def test_a_running_store_is_found(
    janusgraph: EmbeddedStore, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The endpoint of a store that another part of the machine runs stands in its folder; an idle folder has none."""
    folders = [*tmp_path_factory.getbasetemp().glob("janusgraph*/janusgraph")]
    assert janusgraph.url in map(running_url, folders)
    assert running_url(tmp_path) is None
