"""One issuer and an authenticator that trusts it."""

import pytest
from support.servers.issuer import EC, Clock, LiveIssuer, authenticator, trusting

from app.auth.authenticator import Authenticator


@pytest.fixture
def issuer() -> LiveIssuer:
    """Return an issuer with one key, on a clock that the test advances."""
    return LiveIssuer(Clock(), keys=[EC])


@pytest.fixture
def auth(issuer: LiveIssuer) -> Authenticator:
    """Return an authenticator that trusts the issuer."""
    return authenticator([trusting(issuer)])
