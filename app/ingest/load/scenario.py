"""Runs rounds of mutations in order, each mutation with the token of its own caller.

Registrations need no order and only one caller. Promotions, decisions and reports are made by callers with the rights
for them, and build on one another. A round with a rejected call is the last one.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from uuid import uuid4

from app.ingest.load.api_client import DEFAULT_RETRY, ApiClient, Retry
from app.ingest.load.batches import DONE, ItemResult, reasons_of
from graphql_schema.ports.record import Record

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
_KEYED = frozenset({"approve", "openIncident", "registerDeployment", "reportCheck"})
"""Mutations that take an idempotency key; a repetition of the others after a lost response changes nothing."""

_ID = {"openIncident": "incident { id }"}
_EXISTS = "query Exists($id: ID!) { asset(id: $id) { id } }"


@dataclass(frozen=True, slots=True)
class CreatedId:
    """Placeholder in an input for the id of an incident that an earlier call with this idempotency key created."""

    key: str


@dataclass(frozen=True, slots=True)
class Call:
    """One mutation with its input, and the name of the caller whose token is sent with it."""

    caller: str
    mutation: str
    input: Record


Round = list[Call]
"""Calls that need no order among themselves and are sent at once."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """Rounds in order, the tokens of their callers by name, and the URN of an asset that the last call registers.

    If ``final_asset`` exists, no call is sent, because a repetition would overwrite later changes.
    """

    rounds: Sequence[Round]
    tokens: Mapping[str, str]
    final_asset: str


async def run_scenario(url: str, scenario: Scenario, retry: Retry = DEFAULT_RETRY) -> AsyncIterator[ItemResult]:
    """Send the calls; yields one result per call, and stops after the first round with a rejected call.

    Yields nothing if the final asset exists. Raises the errors of `ApiClient.execute`.
    """
    created: dict[str, str] = {}
    async with AsyncExitStack() as stack:
        clients = {
            caller: await stack.enter_async_context(ApiClient(url, token, retry))
            for caller, token in scenario.tokens.items()
        }
        final = scenario.rounds[-1][-1].caller
        if (await clients[final].execute(_EXISTS, {"id": scenario.final_asset}))["asset"] is not None:
            return
        for calls in scenario.rounds:
            payloads = await asyncio.gather(*(_call(clients[call.caller], call, created) for call in calls))
            for call, payload in zip(calls, payloads, strict=True):
                code = payload["errors"][0]["code"] if payload["errors"] else DONE
                yield ItemResult(f"{call.mutation} as {call.caller}", code, reasons_of(payload))
            if any(payload["errors"] for payload in payloads):
                return


async def _call(client: ApiClient, call: Call, created: dict[str, str]) -> Record:
    """Send one call and return its payload; the id of a created incident is added to ``created`` by its key.

    If the mutation is one of ``_KEYED``, a call without an idempotency key gets one: the client repeats it after a
    lost response.
    """
    name = call.mutation
    document = (
        f"mutation Scenario($input: {_INPUTS[name]}) {{ {name}(input: $input) {{ {_ID.get(name, '')} "
        "errors { code message inputPath } } }"
    )
    given = {key: created[value.key] if isinstance(value, CreatedId) else value for key, value in call.input.items()}
    keyed = {"idempotencyKey": uuid4().hex} if name in _KEYED else {}
    payload: Record = (await client.execute(document, {"input": {**keyed, **given}}))[name]
    if payload.get("incident") and "idempotencyKey" in given:
        created[given["idempotencyKey"]] = payload["incident"]["id"]
    return payload
