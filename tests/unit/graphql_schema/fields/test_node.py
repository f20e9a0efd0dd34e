"""Rows of ids in records."""

from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest
from support.estates.plain_rows import plain_row

from graphql_schema.fields.node import named_row
from graphql_schema.ports.row import Row

ROW = plain_row("DATASET", "d")


@pytest.mark.parametrize(
    ("urn", "found", "expected"), [(None, [], None), (ROW.urn, [ROW], ROW), (ROW.urn, [None], None)]
)
async def test_an_id_takes_a_request_in_any_case(
    urn: str | None, found: list[Row | None], expected: Row | None
) -> None:
    """A request only for an id that is stored, or for a row that is not known yet, would disclose a hidden one."""
    nodes = AsyncMock(return_value=found)
    info: Any = Mock(context=Mock(reader=Mock(nodes=nodes)))
    assert await named_row(urn, info) is expected
    nodes.assert_awaited_once_with([urn] if urn else [], constant_time=True)
