"""Denials as sentences: the owner, who may do it, what is missing, and the input field."""

from typing import Any

import pytest
from support.stores.in_memory_writer import Memory, seeded
from support.stores.writers import asset, link, person, urn

from app.graph.writing.unit.visibility import CallerVisibility
from graphql_schema.ports.commands import Command, LinkCommand, RegisterCommand
from graphql_schema.ports.record import Record
from policies.decision import Decision
from policies.principal import Principal

ADA = person("ada", "team ranking", roles="engineer")
READER = person("uma", "team ads", "team ranking")
THEIRS, OURS = {"team ads": ["TECHNICAL"]}, {"team ranking": ["TECHNICAL"]}
D, ADS, RANKING = urn("dataset d"), urn("team ads"), urn("team ranking")
RULES = (
    "One of these rules must permit it: writes-team: The asset belongs to the caller or to a team of the caller, its "
    "members or domains, and the caller has the role engineer or automation;"
)


@pytest.fixture
def stored(memory: Memory) -> Memory:
    """Return a store with datasets of ads, ranking and a hidden one."""
    return seeded(
        memory,
        asset("dataset d", owners=THEIRS),
        asset("dataset mine", owners=OURS),
        asset("dataset shut", {"visibility": "TEAM"}, owners=THEIRS),
        asset("model m", owners=THEIRS),
        asset("model shut", {"visibility": "TEAM"}, owners=THEIRS),
    )


def denial(memory: Memory, command: Command, who: Principal = ADA) -> tuple[str, tuple[str, ...]]:
    """Return the message and the path of a denied command."""
    (done,) = memory.run(command, who=who)
    (error,) = done.errors
    assert error.code.name == "DENIED"
    return error.message, error.path


def test_a_denial_names_the_owner_and_who_may_do_it(stored: Memory) -> None:
    """An engineer of another team reads whose asset it is; a member without a role reads that the role is missing."""
    message, path = denial(stored, asset("dataset d", {"description": "x"}))
    begin = f"You may not update the dataset {D}, which belongs to {ADS}: "
    assert message.startswith(f"{begin}let a member of this team do it, or join the team. {RULES}")
    assert path == ("id",)
    message, _ = denial(stored, asset("dataset d", {"description": "x"}), READER)
    assert message.startswith(f"{begin}it is your team's, which is not enough. {RULES}")


def test_a_denial_tries_few_of_many_teams(stored: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A caller who acts for a thousand owners would hold the event loop by each denial, for a decision about each."""
    decided = []
    allows = CallerVisibility.allows

    def counting(visibility: CallerVisibility, action: str, record: Record) -> Decision:
        decided.append(record["ownerTeam"])
        return allows(visibility, action, record)

    monkeypatch.setattr(CallerVisibility, "allows", counting)
    many = person("uma", *(f"team t{number}" for number in range(1_000)))
    message, _ = denial(stored, asset("dataset d", {"description": "x"}), many)
    assert "join the team" not in message
    assert 1 < len({*decided}) < 10


@pytest.mark.parametrize("owner", ["dataset shut", "model-version shut@1"])
def test_a_hidden_asset_has_no_owner_in_a_denial(stored: Memory, owner: str) -> None:
    """The owner of a hidden asset, or of the hidden parent of a new one, is not disclosed."""
    message, _ = denial(stored, asset(owner, {"description": "x"}))
    assert ADS not in message
    assert message.endswith(": The caller may not read the asset, so may not change it.")


CASES: list[tuple[str, Command, str, tuple[str, ...]]] = [
    ("a new asset for others", asset("dataset new", owners=THEIRS), "register the dataset", ("owners",)),
    ("a version", asset("model-version m@1"), f"register a new model version of {urn('model m')}", ("id",)),
    ("handing over", asset("dataset mine", owners=THEIRS), "update the dataset", ("owners",)),
    ("the changed end", link("DERIVES", "dataset mine", "dataset d"), "link the dataset", ("to",)),
    (
        "the other end",
        LinkCommand("PRODUCES", urn("run r"), D),
        "link the dataset",
        ("to",),
    ),
]


@pytest.mark.parametrize(("command", "begin", "path"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_denial_names_the_field(stored: Memory, command: Command, begin: str, path: tuple[str, ...]) -> None:
    """The path is the input field that needs the right."""
    seeded(stored, asset("run r", {"state": "COMPLETE"}, owners=OURS))
    message, found = denial(stored, command)
    assert message.startswith(f"You may not {begin}")
    assert found == path


def test_a_missing_scope_is_named(stored: Memory) -> None:
    """A denial for a scope says which one the token needs."""
    reader = Principal(**{**_values(ADA), "scopes": frozenset({"graph:read"})})
    message, _ = denial(stored, RegisterCommand(urn("dataset mine"), {"description": "x"}), reader)
    assert message.endswith("The token needs the scope graph:write.")


def _values(who: Principal) -> dict[str, Any]:
    return {name: getattr(who, name) for name in who.__dataclass_fields__}
