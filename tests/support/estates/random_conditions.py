"""Random conditions over a few keys, and records that meet some of them."""

from hypothesis import strategies as st

from graphql_schema.ports.conditions import (
    Above,
    All,
    AnyOf,
    Below,
    Condition,
    Contains,
    HasWord,
    In,
    MatchesPattern,
    Negated,
    StartsWith,
)

TEXTS = ("", "a", "ab", "abc", "b", "\ud7ff", "\U0010ffff", "\U0010ffffa", "a.b")
WORDS = ("churn", "churned", "orders", "order")
NUMBERS = (0, 1, 5, 6)
PATTERNS = ("a|ab", ".?b", "chu.*", ".{0,2}")

KEYS = ("name", "urn", "tags", "updatedAt", "prose")
"""A text, another text that is never empty, a set, a number and words."""

text_keys = st.sampled_from(("name", "urn"))
texts = st.sampled_from(TEXTS)

indexable = st.one_of(
    st.builds(In, st.sampled_from(("name", "urn", "tags")), st.lists(texts, max_size=3).map(tuple)),
    st.builds(Above, st.just("updatedAt"), st.sampled_from(NUMBERS)),
    st.builds(Below, st.just("updatedAt"), st.sampled_from(NUMBERS)),
    st.builds(Above, text_keys, texts),
    st.builds(Below, text_keys, texts),
    st.builds(StartsWith, text_keys, texts),
)
"""Leaves that the index answers under a negation too."""

positive = st.one_of(
    st.builds(Contains, text_keys, texts),
    st.builds(MatchesPattern, text_keys, st.sampled_from(PATTERNS)),
    st.builds(HasWord, st.just("prose"), st.sampled_from(WORDS), st.booleans()),
)
"""Leaves that the index does not answer under a negation."""


def _combined(inner: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    several = st.lists(inner, max_size=3).map(tuple)
    return st.one_of(st.builds(All, several), st.builds(AnyOf, several), st.builds(Negated, inner))


conditions: st.SearchStrategy[Condition] = st.recursive(st.one_of(indexable, positive), _combined, max_leaves=8)

records = st.fixed_dictionaries(
    {
        "name": texts,
        "urn": texts.filter(bool),
        "tags": st.lists(texts, min_size=1, max_size=2, unique=True),
        "updatedAt": st.sampled_from(NUMBERS),
        "prose": st.lists(st.sampled_from(WORDS), max_size=2).map(" ".join),
    }
)
"""Records by native property: a set without a member has the empty text, as in the store."""
