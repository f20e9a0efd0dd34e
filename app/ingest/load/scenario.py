"""Calls one mutation after another, each under its own caller's token: what happened, in the order in which it did.

Registering is for what is there and needs no order; promotions, decisions and reports are made by people who may, and
each builds on the one before. A refusal ends the tale.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from app.ingest.load.api_client import PATIENT, ApiClient, Retry
from app.ingest.load.batches import DONE, ItemResult, reasons

_INPUTS = {
    "approve": "ApproveInput!",
    "openIncident": "OpenIncidentInput!",
    "recordUsage": "RecordUsageInput!",
    "registerDeployment": "DeploymentInput!",
    "reportCheck": "ReportCheckInput!",
    "resolveIncident": "ResolveIncidentInput!",
    "setAlias": "SetAliasInput!",
    "setTags": "SetTagsInput!",
}
_ID = {"openIncident": "incident { id }"}
_KNOWN = "query Known($id: ID!) { asset(id: $id) { id } }"


@dataclass(frozen=True, slots=True)
class Made:
    """Stands in an input for the id that an earlier call, of this idempotency key, was answered."""

    key: str


@dataclass(frozen=True, slots=True)
class Call:
    """One mutation with its input, and the name of the caller whose token it is made with."""

    who: str
    mutation: str
    input: Mapping[str, Any]


Round = list[Call]
"""Calls that need no order among themselves, and are made at once."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """Rounds in order, the tokens of their callers by name, and the asset that the last call registers.

    Where that asset is known, the chronicle was told before and is not told again: it would move forth and back what
    has moved on since.
    """

    rounds: Sequence[Round]
    tokens: Mapping[str, str]
    last: str


async def run_scenario(url: str, chronicle: Scenario, retry: Retry = PATIENT) -> AsyncIterator[ItemResult]:
    """Make the calls; yields DONE for each, and ends after the first round of which one is refused."""
    made: dict[str, str] = {}
    async with AsyncExitStack() as stack:
        clients = {
            who: await stack.enter_async_context(ApiClient(url, token, retry))
            for who, token in chronicle.tokens.items()
        }
        final = chronicle.rounds[-1][-1].who
        if (await clients[final].execute(_KNOWN, {"id": chronicle.last}))["asset"] is not None:
            return
        for calls in chronicle.rounds:
            answers = await asyncio.gather(*(_made(clients[call.who], call, made) for call in calls))
            for call, answer in zip(calls, answers, strict=True):
                code = answer["errors"][0]["code"] if answer["errors"] else DONE
                yield ItemResult(f"{call.mutation} as {call.who}", code, reasons(answer))
            if any(answer["errors"] for answer in answers):
                return


async def _made(client: ApiClient, call: Call, made: dict[str, str]) -> Mapping[str, Any]:
    """Make one call, remember the id that it was answered, and return its payload."""
    name = call.mutation
    document = (
        f"mutation Tell($input: {_INPUTS[name]}) {{ {name}(input: $input) {{ {_ID.get(name, '')} "
        "errors { code message inputPath } } }"
    )
    given = {key: made[value.key] if isinstance(value, Made) else value for key, value in call.input.items()}
    answer: Mapping[str, Any] = (await client.execute(document, {"input": given}))[name]
    if answer.get("incident") and "idempotencyKey" in given:
        made[given["idempotencyKey"]] = answer["incident"]["id"]
    return answer
