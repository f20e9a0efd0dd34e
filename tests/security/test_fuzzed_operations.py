"""No operation, however odd its values, fails as a defect: thousands of random ones, sent as every persona.

``make test-fuzz OPERATIONS=20000 SEED=2`` sends others. An operation is made from the schema, so that a new field or
argument is included.
"""

import asyncio
import os
import re
import sys
from collections import Counter
from collections.abc import AsyncIterator
from random import Random

import pytest
from structlog.testing import capture_logs
from support.documents.fuzzed_operations import Fuzzer
from support.estates.demo_estate import existing_ids, open_demo
from support.servers.in_process import Api
from support.servers.odd_requests import faults, response_to
from support.stores.janusgraph import StoreGraph

OPERATIONS = int(os.environ.get("OPERATIONS", "2000"))
SEED = int(os.environ.get("SEED", "1"))
ABREAST = 6
"""Operations that are under way at once."""

CODE = re.compile(r'"code": ?"(\w+)"')
CURSOR = re.compile(r'"(?:cursor|startCursor|endCursor)": ?"([^"]+)"')


@pytest.fixture(scope="module")
async def api(module_graph: StoreGraph, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    """Run the API over the demo estate, with its history."""
    async with open_demo(module_graph, tmp_path_factory.mktemp("keys")) as api:
        yield api


async def test_no_operation_fails_as_a_defect(api: Api) -> None:
    """Every error has a code, and none is INTERNAL, for malformed ids, extreme numbers, odd texts and nulls."""
    random, schema = Random(SEED), api.process.schema.core
    fuzzer = Fuzzer(schema, random, await existing_ids(api))
    assert len(fuzzer.ids) > 500
    people = [*api.tokens, "root", "root", "ada"]
    found: dict[str, str] = {}
    sent: Counter[str] = Counter()
    codes: Counter[str] = Counter()
    while sent.total() < OPERATIONS:
        calls = [(random.choice(people), fuzzer.operation()) for _ in range(ABREAST)]
        with capture_logs() as lines:
            responses = await asyncio.gather(*(response_to(api, who, each.text, each.variables) for who, each in calls))
        for (who, operation), response in zip(calls, responses, strict=True):
            sent[operation.root] += 1
            codes.update(CODE.findall(response.text))
            fuzzer.cursors = [*fuzzer.cursors[-200:], *CURSOR.findall(response.text)[:3]]
            for fault in faults(response, lines):
                found.setdefault(fault, f"{fault}\n{who}: {operation.text}\n{operation.variables}")
    sys.stdout.write(f"{sent.total()} operations of {len(sent)} fields: {codes.most_common()}\n")
    if found:
        pytest.fail("\n\n".join(found.values()))
    assert schema.query_type is not None
    assert schema.mutation_type is not None
    assert sent.keys() == schema.query_type.fields.keys() | schema.mutation_type.fields.keys()
