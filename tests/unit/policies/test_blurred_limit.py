"""A limit of which no caller can know the exact value."""

from collections import Counter

import pytest

from policies import blurred_limit
from policies.blurred_limit import PART, blurred


@pytest.mark.usefixtures("by_chance")
def test_a_limit_is_lower_by_chance() -> None:
    """It is between three quarters and all of its maximum; the ends, which would be proofs, are rare."""
    found = Counter(blurred(1_000) for _ in range(2_000))
    assert 750 <= min(found) < max(found) <= 1_000
    assert found[1_000] + found[1_000 - blurred_limit.DRAWS * (1_000 // PART - 1)] < 10
    assert len(found) > 100


@pytest.mark.usefixtures("by_chance")
def test_a_small_limit_is_exact() -> None:
    """A limit of tests, and none at all, are not lowered."""
    assert [blurred(each) for each in (-1, 0, PART - 1, PART)] == [-1, 0, PART - 1, PART]
