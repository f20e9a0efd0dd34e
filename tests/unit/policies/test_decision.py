"""The cause of a denial as sentences."""

import pytest

from policies.decision import Decision


@pytest.mark.parametrize(
    ("policies", "reasons", "cause"),
    [
        ((), ("needs scope:graph:write",), "The token needs the scope graph:write."),
        (
            (),
            ("needs a: It is yours.", "needs b: You are root."),
            "One of these rules must permit it: a: It is yours; b: You are root.",
        ),
        (("c",), ("c: It is a tag.",), "A rule forbids it: c: It is a tag."),
        ((), ("The caller may not read the asset.",), "The caller may not read the asset."),
    ],
    ids=["scope", "permits", "forbid", "other"],
)
def test_the_cause_names_the_missing_rule_or_scope(
    policies: tuple[str, ...], reasons: tuple[str, ...], cause: str
) -> None:
    """A scope, the rules of which one must permit, the rule that forbids, or the reason itself."""
    assert Decision(allowed=False, policies=policies, reasons=reasons).cause == cause
