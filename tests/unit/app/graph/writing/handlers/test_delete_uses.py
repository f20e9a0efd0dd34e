"""Uses that keep an asset, over many consumers: the same as by a plain reading of the rule, with few evaluations."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from support.stores.in_memory_writer import Memory, seeded
from support.stores.writers import NOW, asset, link, person, urn

from app.graph.commits.sensitivity_floors import FloorView, SensitivityFloor
from app.graph.records.record_text import BriefRecord
from app.graph.records.vertex_id import vertex_id
from app.graph.records.vertex_record import attributes, kind_of
from app.graph.writing.batch_planner import plan_item
from app.graph.writing.unit.author import Author
from graphql_schema.ports.commands import DeleteCommand
from graphql_schema.ports.outcomes import Outcome
from graphql_schema.ports.record import Record

LATER = NOW + 10
ADA = person("ada", "team ranking", roles="engineer")
CALLERS = (
    ADA,
    replace(ADA, user=urn("user ada")),
    person("ada", "team ranking"),
    person("root", roles="admin"),
    person("root", "team ads", roles="admin"),
)
OWNERS = (*[urn("team ranking")] * 3, urn("team ads"), urn("team ads"), "", urn("user ada"))
RELATIONS = ("FEEDS", "DERIVES", "INPUT_TO", "BASE_OF", "CALLED_BY", "TESTED_IN", "DEPLOYED_AS", "SERVED_BY")
"""The relations to consumers in the order of messages; a service is used by its deployments, against the edge."""

VERSIONS = [f"model-version m{number % 2}@{number}" for number in range(6)]
DEPLOYMENTS = [f"deployment p{number}" for number in range(4)]
LINKS = (
    *(("FEEDS", "dataset d0", f"{kind}0") for kind in ("model m", "service s", "report r")),
    *(("FEEDS", "dataset d1", version) for version in VERSIONS[:3]),
    *(("DERIVES", "dataset d0", f"dataset d{number}") for number in (1, 2, 3)),
    *(("INPUT_TO", "dataset d0", f"run u{number}") for number in range(2)),
    ("INPUT_TO", "dataset d0", "workflow w"),
    *(("BASE_OF", source, target) for source in VERSIONS[:2] for target in VERSIONS[2:5]),
    ("BASE_OF", "model m0", "model m1"),
    *(("DEPLOYED_AS", version, place) for version in VERSIONS[:2] for place in DEPLOYMENTS),
    *(("SERVED_BY", place, "service s0") for place in DEPLOYMENTS),
    ("CALLED_BY", "service s0", "service s1"),
    ("FEEDS", "report r0", "report r1"),
    ("TESTED_IN", VERSIONS[0], "experiment-cell c"),
)
ASSETS = (
    *(f"{kind}{number}" for kind in ("dataset d", "model m", "service s", "report r", "run u") for number in range(2)),
    *("dataset d2", "dataset d3", "workflow w", "experiment-cell c"),
    *VERSIONS,
    *DEPLOYMENTS,
)


def estate(memory: Memory, random: Random) -> None:
    """Fill the store with the same assets and edges each time, whose values and intervals are random."""
    seeded(memory, *map(asset, ASSETS), *(link(*each) for each in LINKS))
    for vid, record in memory.vertices.items():
        if record["kind"] in {"CHANGE", "OBSERVATION", "USER", "TEAM"}:
            continue
        sensitivity = random.choice((*["PUBLIC", "INTERNAL"] * 3, "CONFIDENTIAL"))
        values: dict[str, Any] = {
            "ownerTeam": random.choice(OWNERS),
            "stage": random.choice(("ACTIVE", "DEPRECATED", "DRAFT", "DRAFT", "RETIRED")),
            "visibility": random.choice(("ORG", "ORG", "ORG", "TEAM")),
            "sensitivity": sensitivity,
            "declaredSensitivity": sensitivity,
        }
        if random.random() < 0.2:
            values["deletedAt"] = NOW + 1
        if record["kind"] == "DEPLOYMENT":
            values["status"] = random.choice(("ACTIVE", "ACTIVE", "INACTIVE"))
        if record["kind"] == "MODEL":
            pointed = {f"a{number}": random.choice(VERSIONS) for number in range(3)}
            values["aliases"] = {name: {"version": urn(version)} for name, version in pointed.items()}
        memory.vertices[vid] = {**record, **values}
    for key, edge in memory.edges.items():
        if key[0] != "VERSION_OF" and random.random() < 0.3:
            memory.edges[key] = {**edge, **random.choice(({"validTo": NOW + 5}, {"claim": True}))}


def expected(memory: Memory, author: Author, text: str, *, despite_others: bool) -> str:
    """Return the end of the message of a rejection, "" if no use keeps the asset; each record is evaluated by itself.

    It counts all uses before those that do not count are left out.
    """
    top = memory.record(text)
    owners = {top["ownerTeam"], *author.owners} - {""}
    group = {top["id"]: top}
    for key in sorted(memory.edges):
        child = memory.vertices[key[1]]
        if key[0] == "VERSION_OF" and memory.vertices[key[2]]["id"] == top["id"] and _sees(author, child):
            allowed = author.may("retire", attributes(_raised(author, child))).allowed
            if "deletedAt" not in child and (allowed or not despite_others):
                group[child["id"]] = child
    uses = [use for member in group.values() for use in _uses(memory, author, member, group, owners)]
    own = [use for use, is_own in uses if is_own]
    others = [] if despite_others else [use for use, is_own in uses if not is_own]
    steps = [f"{_some(own)}; end or retire these first"] if own else []
    if others:
        advice = "set `despiteOthers` of `deleteAsset` to ignore these"
        steps.append(f"by assets of other owners or of none, {_some(others)}; {advice}")
    return f"{top['id']} is in use: {'. Also '.join(steps)}." if steps else ""


def _some(uses: list[str]) -> str:
    return "; ".join(uses[:5]) + (f" and {len(uses) - 5} more" if len(uses) > 5 else "")


def _raised(author: Author, record: Record) -> Record:
    return author.floors.with_floor(author.vid(record["id"]), record)


def _sees(author: Author, record: Record) -> bool:
    return author.discovers(attributes(_raised(author, record)))


def _shown(author: Author, record: Record) -> Record:
    """Return a record without the fields that the policy hides."""
    hidden = author.hidden_fields(kind_of(record), attributes(_raised(author, record)))
    return {name: value for name, value in record.items() if name not in hidden}


def _uses(
    memory: Memory, author: Author, member: Record, group: dict[str, Record], owners: set[str]
) -> Iterator[tuple[str, bool]]:
    """Yield each use of a member of the group, and whether it is none of others."""
    if member["kind"] == "DEPLOYMENT" and _shown(author, member).get("status") == "ACTIVE":
        yield f"{member['id']} is ACTIVE", True
    found = [(RELATIONS.index(key[0]), *key) for key in memory.edges if key[0] in RELATIONS]
    for _, relation, source, target in sorted(found):
        near, other = (target, source) if relation == "SERVED_BY" else (source, target)
        far, edge = memory.vertices[other], memory.edges[relation, source, target]
        if near != author.vid(member["id"]):
            continue
        if "validTo" in edge or "claim" in edge or far["id"] in group:
            continue
        if _sees(author, far) and _is_live(_shown(author, far)):
            yield f"{far['id']} ({relation})", far["ownerTeam"] in owners
    if member["kind"] == "MODEL_VERSION":
        model = memory.vertices[author.vid(member["id"].rpartition("@")[0].replace("model-version", "model"))]
        if _sees(author, model) and model["id"] not in group:
            for name, alias in _shown(author, model).get("aliases", {}).items():
                if alias["version"] == member["id"]:
                    yield f"the alias {name!r} of its model points at it", True


def _is_live(shown: Record) -> bool:
    if "deletedAt" in shown or shown.get("stage") == "RETIRED" or shown["kind"] == "RUN":
        return False
    return shown["kind"] != "DEPLOYMENT" or shown.get("status") == "ACTIVE"


def floors(memory: Memory, random: Random) -> FloorView:
    """Return no floor, or one over some assets."""
    covered = frozenset(vid for vid in memory.vertices if random.random() < 0.3)
    floor = SensitivityFloor("default", random.choice(("INTERNAL", "RESTRICTED")), covered)
    return FloorView("default", [floor] if random.random() < 0.5 else [])


@pytest.mark.parametrize("seed", range(20))
def test_a_deletion_is_refused_by_the_uses_of_a_plain_reading(memory: Memory, seed: int) -> None:
    """Over random estates, the message names and counts the uses of the rule, for each asset, caller and flag."""
    random = Random(seed)
    estate(memory, random)
    state, raised, found = memory.state(), floors(memory, random), Counter[bool]()
    for text in ASSETS:
        for who in CALLERS:
            author = replace(memory.author(who, LATER), floors=raised)
            for despite in (False, True):
                done = plan_item(DeleteCommand(urn(text), despite_others=despite), state, author, dry_run=True)
                message = expected(memory, author, text, despite_others=despite)
                if done.outcome is Outcome.UPDATED:
                    assert message == "", (text, who.subject, despite)
                elif done.outcome is Outcome.CONFLICT:
                    assert done.errors[0].message == message, (text, who.subject, despite)
                    found[despite] += 1
    assert min(found[False], found[True]) > 5


@pytest.fixture
def hub(memory: Memory) -> Memory:
    """Return a store with a dataset of ranking, from which nine others are derived: three of ranking, six of ads."""
    ours, theirs = {"team ranking": ["TECHNICAL"]}, {"team ads": ["TECHNICAL"]}
    consumers = [asset(f"dataset d{number}", owners=theirs if number % 3 else ours) for number in range(9)]
    seeded(memory, asset("dataset hub", owners=ours), *consumers)
    return seeded(memory, *(link("DERIVES", "dataset hub", f"dataset d{number}") for number in range(9)))


def test_equal_consumers_are_evaluated_once(hub: Memory) -> None:
    """The policy is evaluated for the classes of attributes, and despite others not for theirs."""
    evaluated: list[str] = []
    author = hub.author(ADA, LATER)

    def discovers(found: Any) -> bool:
        evaluated.append(found.owner_team)
        return author.discovers(found)

    counting = replace(author, discovers=discovers)
    for despite, owners in ((False, ["team ads", "team ranking"]), (True, ["team ranking"])):
        evaluated.clear()
        plan_item(DeleteCommand(urn("dataset hub"), despite_others=despite), hub.state(), counting, dry_run=True)
        assert sorted(evaluated) == [*map(urn, owners)]


@pytest.mark.parametrize("values", [{}, {"stage": "RETIRED"}, {"deletedAt": NOW}])
def test_the_long_values_of_consumers_are_not_needed(hub: Memory, values: dict[str, Any]) -> None:
    """A consumer whose description was not read is a use, or is none, by its short values alone."""

    def require() -> Any:
        raise AssertionError("a long value was needed")

    for number in range(9):
        vid = vertex_id("default", urn(f"dataset d{number}"))
        hub.vertices[vid] = BriefRecord({**hub.vertices[vid], **values}, frozenset({"description"}), require)
    command = DeleteCommand(urn("dataset hub"))
    done = plan_item(command, hub.state(), hub.author(ADA, LATER), dry_run=True)
    assert done.outcome is (Outcome.UPDATED if values else Outcome.CONFLICT)
