"""The commands `mlg policy …` print the decisions of the policy and the examples of the documentation."""

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
from support.stores.janusgraph import url_with_user_info
from typer.testing import CliRunner

from app.cli.command_line import commands
from app.graph.driver.gremlin_client import GremlinClient
from app.policy import git_policy as reference
from app.store.embedded.embedded_store import EmbeddedStore
from app.store.embedded.running_store import running_endpoint
from graphql_schema.catalog.kinds import KINDS
from policies.attributes import PolicyAttributes
from policies.errors import CodedError
from policies.policy import SHIPPED

pytestmark = pytest.mark.long

RANKING = "mlg://team/catalog/default/ranking"
RANKER = "mlg://model-version/test/default/ranker@1"
HIDDEN = "mlg://model-version/test/default/hidden@1"
EXAMPLES = re.findall(r"(?ms)^\$ (mlg policy .*?)\n(.*?)(?=^\$ |^```)", read("docs/policy.md"))


def run(*words: str) -> Any:
    """Run a command line and return its result."""
    return CliRunner().invoke(commands, words)


@pytest.fixture(scope="module")
def printed() -> str:
    """Return the output of `mlg policy matrix`."""
    return str(run("policy", "matrix").stdout)


def blocks(text: str) -> Iterator[tuple[str, list[Line]]]:
    """Yield each caller of the output with its lines."""
    for block in text.strip().split("\n\n"):
        title, *rows = block.splitlines()
        yield title.partition(":")[0], [read_line(row) for row in rows]


def test_the_matrix_equals_the_decision_table(printed: str) -> None:
    """For every persona and class, the printed lines equal the hand-written table and do not overlap."""
    table, found = read_table(), dict(blocks(printed))
    assert found.keys() == {*table} & {*found} >= {"ada", "bo", "cy", "ci-ranking", "eli", "root", "root+break-glass"}
    for name, lines in found.items():
        for where, _ in classes(CALLERS[name]):
            for verb in ("sees", "does"):
                assert words(lines, verb, where) == words(table[name], verb, where), (name, where)


def test_the_matrix_is_printed_as_json(printed: str) -> None:
    """`--json` prints one object for each line, with all values of each column."""
    lines = [orjson.loads(line) for line in run("policy", "matrix", "--json").stdout.splitlines()]
    assert len(lines) == printed.count(" | ") // 5
    (eli,) = [line for line in lines if line["caller"] == "eli" and "does" in line]
    assert eli["does"] == ["promote", "approve"]
    assert eli["owner"] == ["own"]
    assert {*eli["kind"]} == {kind.code for kind in KINDS.values()} - {"TEAM", "USER", "DOMAIN", "TAG"}


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with the shipped policies in a git repository, which the command compares with."""
    folder = tmp_path / "policies"
    folder.mkdir()
    for file in (*SHIPPED.glob("*.cedar"), *SHIPPED.glob("*.toml")):
        (folder / file.name).write_text(file.read_text())
    git(tmp_path, "init", "-q")
    monkeypatch.setattr(reference, "SHIPPED", folder)
    return folder


def git(folder: Path, *words: str) -> None:
    """Run git in a folder, with a fixed author."""
    author = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(folder), *author, *words], check=True, capture_output=True)  # noqa: S603, S607 - our own words


def commit(repository: Path, name: str, old: str, new: str) -> None:
    """Commit the policies with one text replaced, so that the reference differs from the shipped policies."""
    file = repository / name
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "x")


def test_an_equivalent_policy_does_not_differ(repository: Path) -> None:
    """A policy with another text and equal decisions gives exit code 0 and the list of the compared callers."""
    commit(repository, "rows.cedar", '["PUBLIC", "INTERNAL"]', '["INTERNAL", "PUBLIC"]')
    result = run("policy", "diff", "HEAD")
    assert result.exit_code == 0
    assert result.stdout.startswith("The texts differ; nothing changes for ada, bo, cy, ")


def test_a_stronger_label_is_a_loss(repository: Path) -> None:
    """A field with a stronger label is printed as a loss of each caller who saw it, with the classes of assets."""
    commit(repository, "labels.toml", 'error = "secret"', 'error = "internal"')
    result = run("policy", "diff", "HEAD")
    assert result.exit_code == 1
    assert "loses Run.error | own     | *   | not RESTRICTED" in result.stdout
    assert "gains" not in result.stdout
    assert {name for name, _ in (block.split(":", 1) for block in result.stdout.split("\n\n")[:-1])} == {
        *("ada", "bo", "cy", "ci-ranking", "eli", "root")
    }


def test_a_changed_rule_is_one_line_for_each_change(repository: Path) -> None:
    """A changed rule about reading is one loss and one gain of a caller, with all fields and kinds in one line."""
    commit(repository, "rows.cedar", 'resource.stage != "DRAFT"', 'resource.stage != "RETIRED"')
    result = run("policy", "diff", "HEAD")
    (bo,) = [block.splitlines() for block in result.stdout.split("\n\n") if block.startswith("bo:")]
    where = "not own | ORG | PUBLIC,INTERNAL"
    assert [re.sub(" +", " ", line) for line in bo[1:]] == [
        f"loses read, internal fields | {where} | DRAFT | not TEAM,USER,DOMAIN,TAG",
        f"gains read, internal fields | {where} | RETIRED | not TEAM,USER,DOMAIN,TAG",
    ]


@pytest.mark.parametrize("name", reference.BESIDE)
def test_other_files_are_noted(repository: Path, name: str) -> None:
    """Files that differ or are absent at the reference are noted: both policies are compared with the current ones."""
    text = (SHIPPED / name).read_text()
    commit(repository, name, text, f"{text}# changed")
    (repository / name).write_text(text)
    result = run("policy", "diff", "HEAD")
    remark = f"note: {name} differs at HEAD and is not compared: both sides use that of the working tree\n"
    assert result.stdout == f"{remark}The two policies are equal.\n"
    git(repository, "rm", "-q", "--cached", name)
    git(repository, "commit", "-qm", "y")
    assert f"note: {name} is absent at HEAD and is not compared" in run("policy", "diff", "HEAD").stdout


@pytest.mark.parametrize(
    ("text", "message"), [("[Asset", "is not valid TOML"), ('id = "public"', "has a label outside of a section")]
)
def test_unreadable_labels_are_misuse(repository: Path, text: str, message: str) -> None:
    """A reference whose labels cannot be read ends with exit code 2 and names the file."""
    commit(repository, "labels.toml", (SHIPPED / "labels.toml").read_text(), text)
    (repository / "labels.toml").write_text((SHIPPED / "labels.toml").read_text())
    result = run("policy", "diff", "HEAD")
    assert result.exit_code == 2
    assert f"labels.toml of HEAD {message}" in result.stderr


def test_unmatched_labels_are_noted(repository: Path) -> None:
    """A field without a label at the reference, and a label without a field, are notes and no differences."""
    commit(repository, "labels.toml", 'task = "internal"', 'tusk = "internal"')
    result = run("policy", "diff", "HEAD")
    assert result.exit_code == 0
    assert "note: Model.task has no label in the reference: compared with its current one, internal" in result.stdout
    assert "note: Model.tusk has a label in the reference and is no current field" in result.stdout


@pytest.mark.parametrize("ref", ["no-such-branch", "--output=x"])
def test_an_unknown_reference_is_misuse(repository: Path, ref: str) -> None:
    """A reference that git does not have, or that looks like an option, ends with exit code 2."""
    commit(repository, "rows.cedar", '"ORG"', '"ORG"  ')
    result = run("policy", "diff", "--", ref)
    assert result.exit_code == 2
    assert "git cannot read the policy" in result.stderr


def test_check_refuses_as_start_up_does(tmp_path: Path) -> None:
    """A wrong policy ends with exit code 1 and the message of the start of the server."""
    (tmp_path / "rows.cedar").write_text("permit(principal, action, resource);")
    (tmp_path / "labels.toml").write_text("")
    result = run("policy", "check", "--folder", str(tmp_path))
    assert result.exit_code == 1
    assert isinstance(result.exception, CodedError)
    assert "Dataset.columns has no label" in result.exception.message


@pytest.fixture(scope="module")
async def store(janusgraph: EmbeddedStore) -> str:
    """Load the assets of the examples and return the URL of the store, with user info."""
    async with GremlinClient(janusgraph.endpoint) as client:
        row = PolicyAttributes("MODEL_VERSION", RANKING, "ORG", "INTERNAL", "ACTIVE", "INTERNAL")
        await load_one(client, "default", RANKER, row)
        await load_one(
            client,
            "default",
            HIDDEN,
            row._replace(visibility="TEAM", sensitivity="RESTRICTED", confirmed_sensitivity="RESTRICTED"),
        )
    return url_with_user_info(janusgraph.endpoint)


async def explained(*words: str) -> Any:
    """Run `mlg policy explain` in a thread and return its result."""
    return await asyncio.to_thread(run, "policy", "explain", *words)


@pytest.mark.parametrize(("command", "expected"), EXAMPLES, ids=[command for command, _ in EXAMPLES])
async def test_the_documentation_shows_what_is_printed(
    store: str, monkeypatch: pytest.MonkeyPatch, command: str, expected: str
) -> None:
    """Each example of docs/policy.md prints the documented lines, in which `…` matches any text."""
    monkeypatch.setenv("MLG_STORE_URL", store)
    shown = (await asyncio.to_thread(run, *command.split()[1:])).stdout
    pattern = re.escape(expected.strip()).replace("…", "(?s:.*)")
    assert re.search(pattern, shown), shown


async def test_a_hidden_row_stays_hidden_in_the_explanation(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """For a row that is hidden from the subject, the rules that would permit it are printed and no attribute is."""
    monkeypatch.setenv("MLG_STORE_URL", store)
    result = await explained("bo", "read", HIDDEN)
    assert result.exit_code == 0
    assert f"bo read {HIDDEN}: no\naccess grade: hidden\nmissing: rows-org-discover: " in result.stdout
    assert not {"RESTRICTED", "ranking", "TEAM"} & {*re.findall(r"\w+", result.stdout)}
    anonymous = (await explained("anonymous", "discover", HIDDEN)).stdout
    assert "missing: scope:graph:read" in anonymous


async def test_claims_describe_a_caller(store: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The decision for a caller from a file with claims is that for a token with these claims."""
    monkeypatch.setenv("MLG_STORE_URL", store)
    claims = {"subject": "gil", "groups": ["ranking"], "roles": ["reader"], "scopes": ["graph:read"]}
    (tmp_path / "gil.json").write_bytes(orjson.dumps(claims))
    result = await explained("gil", "discover", HIDDEN, "--claims", str(tmp_path / "gil.json"))
    assert f"gil discover {HIDDEN}: yes\naccess grade: discover" in result.stdout
    assert "decided by rows-team" in result.stdout
    refused = await explained("gil", "read", HIDDEN, "--claims", str(tmp_path / "gil.json"))
    assert "decided by rows-restricted" in refused.stdout
    assert refused.stdout.count("decided by") == 1


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
async def test_misuse_has_its_own_exit_code(
    store: str, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], complaint: str
) -> None:
    """Unknown subjects, actions and invalid ids end with exit code 2 and a message."""
    monkeypatch.setenv("MLG_STORE_URL", store)
    result = await explained(*words)
    assert result.exit_code == 2
    assert complaint in result.stderr


async def test_an_unknown_asset_is_an_error(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An id that does not exist in the store ends with exit code 1 and a message with the id."""
    monkeypatch.setenv("MLG_STORE_URL", store)
    result = await explained("bo", "read", "mlg://model/test/default/nothing")
    assert result.exit_code == 1
    assert "mlg://model/test/default/nothing does not exist" in str(result.exception)


def test_a_running_store_is_found(
    janusgraph: EmbeddedStore, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The endpoint of a running store is found in its data folder; a folder without a store has none."""
    folders = [*tmp_path_factory.getbasetemp().glob("janusgraph*/janusgraph")]
    assert janusgraph.endpoint in map(running_endpoint, folders)
    assert running_endpoint(tmp_path) is None
