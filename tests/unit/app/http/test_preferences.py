"""The `Prefer` header: the value of a preference in each allowed spelling."""

import pytest
from starlette.datastructures import Headers

from app.http.preferences import preference


@pytest.mark.parametrize(
    ("lines", "value"),
    [
        ([], None),
        (["respond-async"], None),
        (["policy=strict"], "strict"),
        (['Policy = "strict"; x=1, wait=5'], "strict"),
        (["wait=5", "policy=strict"], "strict"),
        (["policy"], ""),
        (["policy=lenient, policy=strict"], "lenient"),
        (["not-policy=strict"], None),
    ],
)
def test_a_preference_is_found(lines: list[str], value: str | None) -> None:
    """Names ignore case, values may be quoted, several headers form one list, and the first value of a name is used."""
    headers = Headers(raw=[(b"prefer", line.encode()) for line in lines])
    assert preference(headers, "policy") == value
