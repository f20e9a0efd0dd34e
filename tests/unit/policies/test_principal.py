"""Callers: what a token makes of the account whose token it is."""

import pytest

from policies.principal import Principal, PrincipalKind, Scope


@pytest.mark.parametrize(
    ("scopes", "author"),
    [({Scope.READ, Scope.WRITE}, "ada"), ({Scope.READ}, None), ({Scope.READ, Scope.ADMIN}, None), (set(), None)],
)
def test_a_token_that_may_not_write_is_no_author(scopes: set[str], author: str | None) -> None:
    """The account made its changes by stronger tokens, whose rights a weak one has not."""
    caller = Principal("ada", PrincipalKind.PERSON, "default", scopes=frozenset(scopes))
    assert caller.author == author
