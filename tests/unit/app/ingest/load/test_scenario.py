"""Scenarios: ordered calls by several callers, each with its own token."""

from collections.abc import Mapping
from types import TracebackType
from typing import Any, ClassVar, Self

import pytest

from app.ingest.load import scenario
from app.ingest.load.api_client import DEFAULT_RETRY, Retry
from app.ingest.load.batches import ItemResult
from app.ingest.load.scenario import Call, CreatedId, Scenario, run_scenario

LAST = "mlg://deployment/k8s/default/d9"


class Caller:
    """Replaces the API client of one caller; all callers write into one log, which is emptied for each test."""

    log: ClassVar[list[tuple[str, str, Mapping[str, Any]]]] = []
    keys: ClassVar[list[tuple[str, str | None]]] = []
    known: ClassVar[set[str]] = set()

    def __init__(self, url: str, token: str, retry: Retry) -> None:
        assert (url, retry) == ("http://api", DEFAULT_RETRY)
        self.token = token

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    async def execute(self, document: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Return whether an asset is known, or the payload of a mutation; an input with ``fails`` is refused."""
        if document.startswith("query"):
            return {"asset": {"id": LAST} if variables["id"] in self.known else None}
        name = document.partition("{")[2].partition("(")[0].strip()
        given = variables["input"]
        self.log.append((self.token, name, {key: each for key, each in given.items() if key != "idempotencyKey"}))
        self.keys.append((name, given.get("idempotencyKey")))
        errors = [{"code": "DENIED", "message": "No.", "inputPath": []}] if given.get("fails") else []
        incident = (
            {"incident": {"id": f"made-of-{given.get('idempotencyKey')}"}} if "incident { id }" in document else {}
        )
        return {name: {"errors": errors, **incident}}


@pytest.fixture(autouse=True)
def caller(monkeypatch: pytest.MonkeyPatch) -> type[Caller]:
    """Put callers without a network in place of API clients."""
    monkeypatch.setattr(scenario, "ApiClient", Caller)
    monkeypatch.setattr(Caller, "log", [])
    monkeypatch.setattr(Caller, "keys", [])
    monkeypatch.setattr(Caller, "known", set())
    return Caller


async def run(*rounds: list[Call]) -> list[ItemResult]:
    """Run a scenario of Ada and Eli."""
    tokens = {"ada": "token-a", "eli": "token-e"}
    return [result async for result in run_scenario("http://api", Scenario(rounds, tokens, LAST))]


async def test_each_call_is_made_with_the_token_of_its_caller(caller: type[Caller]) -> None:
    """Rounds are made in order, and each call has the result DONE."""
    results = await run(
        [Call("ada", "reportCheck", {"asset": "a"})],
        [Call("eli", "approve", {"subject": "v"}), Call("ada", "recordUsage", {"records": []})],
    )
    assert results == [
        ItemResult("reportCheck as ada", "DONE"),
        ItemResult("approve as eli", "DONE"),
        ItemResult("recordUsage as ada", "DONE"),
    ]
    assert caller.log == [
        ("token-a", "reportCheck", {"asset": "a"}),
        ("token-e", "approve", {"subject": "v"}),
        ("token-a", "recordUsage", {"records": []}),
    ]


async def test_a_call_that_may_be_repeated_has_a_key_of_its_own(caller: type[Caller]) -> None:
    """A decision, report or incident is recorded once, also if the client repeats the call after a lost response."""
    approve, keyed = Call("eli", "approve", {"subject": "v"}), Call("ada", "openIncident", {"idempotencyKey": "mine"})
    await run([approve, keyed], [Call("eli", "setAlias", {"alias": "a"})], [approve])
    (first, incident, alias, again) = caller.keys
    assert (incident, alias) == (("openIncident", "mine"), ("setAlias", None))
    assert None not in {first[1], again[1]}
    assert first != again


async def test_a_refused_call_ends_the_scenario_after_its_round(caller: type[Caller]) -> None:
    """Each round builds on the one before, so later rounds are not made."""
    results = await run(
        [Call("ada", "approve", {"fails": True}), Call("eli", "approve", {})], [Call("ada", "setAlias", {})]
    )
    assert results == [ItemResult("approve as ada", "DENIED", ("DENIED: No.",)), ItemResult("approve as eli", "DONE")]
    assert [name for _, name, _ in caller.log] == ["approve", "approve"]


async def test_a_later_call_may_name_what_an_earlier_one_made(caller: type[Caller]) -> None:
    """The id of an incident is known only from the response, and found by its idempotency key."""
    await run(
        [Call("ada", "openIncident", {"title": "late", "idempotencyKey": "i1"})],
        [Call("eli", "resolveIncident", {"incident": CreatedId("i1")})],
    )
    assert caller.log[1] == ("token-e", "resolveIncident", {"incident": "made-of-i1"})


async def test_an_incident_without_a_key_is_not_remembered(caller: type[Caller]) -> None:
    """No later call can name it."""
    assert await run([Call("ada", "openIncident", {"title": "late"})]) == [ItemResult("openIncident as ada", "DONE")]
    assert len(caller.log) == 1


async def test_a_scenario_that_was_run_before_is_not_run_again(caller: type[Caller]) -> None:
    """The asset of the last call is known then; a second run would undo what has changed since."""
    caller.known.add(LAST)
    assert await run([Call("ada", "approve", {})]) == []
    assert caller.log == []
