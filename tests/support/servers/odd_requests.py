"""Requests whose texts may be no valid Unicode, and what in their responses is a defect."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import httpx2
from support.servers.in_process import Api

from policies.errors import Code

CODES: Final = {code.value for code in Code} - {Code.INTERNAL}
"""The codes that a caller may see."""


async def response_to(api: Api, who: str, query: str, variables: dict[str, Any]) -> httpx2.Response:
    """Return the response to an operation."""
    return await posted(api, who, "/graphql", {"query": query, "variables": variables})


async def posted(api: Api, who: str, path: str, body: Any) -> httpx2.Response:
    """Return the response to a JSON body; in that, a lone surrogate is an escape."""
    return await api.http.post(
        path,
        content=json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {api.tokens[who]}", "Content-Type": "application/json"},
    )


def faults(response: httpx2.Response, lines: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the errors of a response that are defects: without a code, or with one that no caller should see.

    Each is the place in the code that the log names for the request, or the error itself.
    """
    try:
        body = response.json()
    except ValueError:
        return [f"no JSON: {response.text[:200]}"]
    extensions = [error.get("extensions", {}) for error in body.get("errors", ())]
    logged = {line.get("request_id"): str(line["faults"]) for line in lines if line["event"] == "request_failed"}
    return [
        logged.get(each.get("requestId"), str(error))
        for error, each in zip(body.get("errors", ()), extensions, strict=True)
        if each.get("code") not in CODES
    ]
