"""How many labels clients can make."""

from app.telemetry.label_cap import MAX_COMBINATIONS, MAX_NAMES, OTHER, RESERVED, UNNAMED, LabelCap
from policies.errors import Code


def test_known_names_keep_their_labels() -> None:
    """After MAX_NAMES names, and for very long ones, operations count as others; one without a name has a label."""
    cap = LabelCap()
    labels = [cap.admit(f"Name{number}", "query", "OK") for number in range(MAX_NAMES + 1)]
    assert labels == [*(f"Name{number}" for number in range(MAX_NAMES)), OTHER]
    assert cap.admit("Name1", "query", "OK") == "Name1"
    assert LabelCap().admit("x" * 101, "query", "OK") == OTHER
    assert cap.admit(None, "query", "OK") == UNNAMED


def test_all_combinations_stay_below_their_maximum() -> None:
    """Every client sends every name with every type and code: fewer than MAX_COMBINATIONS are labels."""
    cap = LabelCap()
    found = {
        (cap.admit(name, kind, code), kind, code)
        for name in (None, *(f"Name{number}" for number in range(MAX_NAMES)))
        for kind in ("query", "mutation", "subscription")
        for code in ("OK", "DISCONNECTED", "CANCELLED", *map(str, Code))
    }
    assert MAX_COMBINATIONS - RESERVED < len(found) <= MAX_COMBINATIONS
