"""Break-glass: a token needs the scope, a reason and a lifetime of at most one hour, and is refused otherwise."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from joserfc import jws
from support.servers.issuer import METADATA, Clock, LiveIssuer, authenticator, no_closure, trusting
from typer.testing import CliRunner

from app.auth.authenticator import build_authenticator
from app.auth.errors import AuthError
from app.auth.issuers import ClaimMap
from app.auth.personas import personas
from app.cli.command_line import commands
from app.settings import Settings
from policies.principal import Principal, Scope

HOUR = 3_600
SCOPE = "graph:read graph:break-glass"
REASON = "incident 4711: the ranking model sends nonsense"
NO_REASON = "graph:break-glass needs a reason of 10 to 500 printable characters"
TOO_LONG = "graph:break-glass needs a token that is valid for at most 60 minutes"


@pytest.fixture
def issuer() -> LiveIssuer:
    """Return an issuer with a clock that the test advances."""
    return LiveIssuer(Clock())


async def authenticated(issuer: LiveIssuer, config: dict[str, Any] | None = None, /, **claims: Any) -> Principal:
    """Return the caller of a token with ``claims``; ``lifetime`` is that of the token in seconds."""
    claims["exp"] = int(issuer.clock.epoch) + claims.pop("lifetime", 600)
    async with authenticator([trusting(issuer, **(config or {}))]) as auth:
        return await auth.authenticate(f"Bearer {issuer.mint(**claims)}")


ACCEPTED: dict[str, tuple[dict[str, Any], str]] = {
    "a sentence": ({"break_glass_reason": REASON}, REASON),
    "10 characters": ({"break_glass_reason": "x" * 10}, "x" * 10),
    "500 characters": ({"break_glass_reason": "x" * 500}, "x" * 500),
    "white space around it": ({"break_glass_reason": f" \t\n{REASON}\u00a0 "}, REASON),
    "500 characters and white space": ({"break_glass_reason": f"  {'x' * 500}  "}, "x" * 500),
    "another script": ({"break_glass_reason": "障害対応 番号4711号室"}, "障害対応 番号4711号室"),
    "a whole hour": ({"break_glass_reason": REASON, "lifetime": HOUR}, REASON),
}


@pytest.mark.parametrize("name", ACCEPTED)
async def test_scope_reason_and_lifetime_give_break_glass(issuer: LiveIssuer, name: str) -> None:
    """A valid token gives the caller the scope and the reason, without surrounding white space."""
    claims, reason = ACCEPTED[name]
    caller = await authenticated(issuer, scope=SCOPE, **claims)
    assert caller.break_glass == reason
    assert caller.scopes == {Scope.READ, Scope.BREAK_GLASS}


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no reason": ({}, NO_REASON),
    "null": ({"break_glass_reason": None}, NO_REASON),
    "a number": ({"break_glass_reason": 12345678901}, NO_REASON),
    "true": ({"break_glass_reason": True}, NO_REASON),
    "a list": ({"break_glass_reason": [REASON]}, NO_REASON),
    "an object": ({"break_glass_reason": {"text": REASON}}, NO_REASON),
    "empty": ({"break_glass_reason": ""}, NO_REASON),
    "white space": ({"break_glass_reason": " " * 40}, NO_REASON),
    "9 characters": ({"break_glass_reason": "x" * 9}, NO_REASON),
    "9 characters and white space": ({"break_glass_reason": f"   {'x' * 9}   "}, NO_REASON),
    "501 characters": ({"break_glass_reason": "x" * 501}, NO_REASON),
    "a line break inside": ({"break_glass_reason": "incident 4711\nroot was here"}, NO_REASON),
    "a tab inside": ({"break_glass_reason": "incident 4711\tand so on"}, NO_REASON),
    "a terminal sequence": ({"break_glass_reason": "incident \x1b[2J 4711"}, NO_REASON),
    "a change of direction": ({"break_glass_reason": "incident \u202e1174"}, NO_REASON),
    "an invisible character": ({"break_glass_reason": "incident\u200b4711"}, NO_REASON),
    "under another name": ({"reason": REASON}, NO_REASON),
    "a second over the hour": ({"break_glass_reason": REASON, "lifetime": HOUR + 1}, TOO_LONG),
    "half a second over the hour": ({"break_glass_reason": REASON, "lifetime": HOUR + 0.5}, TOO_LONG),
    "a whole day": ({"break_glass_reason": REASON, "lifetime": 24 * HOUR}, TOO_LONG),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_an_invalid_break_glass_token_is_refused(issuer: LiveIssuer, name: str) -> None:
    """A token with the scope and an invalid reason or lifetime gets status 401, and the challenge names the fault."""
    claims, why = REFUSED[name]
    with pytest.raises(AuthError) as caught:
        await authenticated(issuer, scope=SCOPE, **claims)
    assert caught.value.status == 401
    assert caught.value.headers["WWW-Authenticate"] == (
        f'Bearer error="invalid_token", error_description="{why}", resource_metadata="{METADATA}"'
    )
    assert not re.search("incident|root", caught.value.message)


@pytest.mark.parametrize("reason", [REASON, "short", None, 5], ids=str)
async def test_a_reason_without_the_scope_has_no_effect(issuer: LiveIssuer, reason: object) -> None:
    """Without the scope the reason is ignored, and an invalid reason or a long lifetime is not refused."""
    caller = await authenticated(issuer, scope="graph:read", break_glass_reason=reason, lifetime=12 * HOUR)
    assert caller.break_glass is None
    assert caller.scopes == {Scope.READ}


@pytest.mark.parametrize("scope", ["graph:break-glass2", "Graph:break-glass", "graph:break-glass\u00a0graph:read"])
async def test_a_similar_scope_has_no_effect(issuer: LiveIssuer, scope: str) -> None:
    """A scope with another spelling does not give break-glass."""
    assert (await authenticated(issuer, scope=scope, break_glass_reason=REASON)).break_glass is None


async def test_each_issuer_names_its_claim(issuer: LiveIssuer) -> None:
    """The reason is read from the claim that the claim map of the issuer names, and from no other claim."""
    config = {"claims": ClaimMap(break_glass_reason=("emergency.reason",))}
    caller = await authenticated(issuer, config, scope=SCOPE, emergency={"reason": REASON})
    assert caller.break_glass == REASON
    with pytest.raises(AuthError, match="needs a reason"):
        await authenticated(issuer, config, scope=SCOPE, break_glass_reason=REASON)


async def test_the_reason_is_part_of_the_fingerprint(issuer: LiveIssuer) -> None:
    """Callers with another reason or none have another fingerprint, so that no cached decision is reused."""
    scopes = (SCOPE, SCOPE, "graph:read")
    reasons = (REASON, REASON + "!", None)
    callers = [
        await authenticated(issuer, scope=scope, break_glass_reason=reason)
        for scope, reason in zip(scopes, reasons, strict=True)
    ]
    assert len({caller.fingerprint for caller in callers}) == 3
    same = await authenticated(issuer, scope=SCOPE, break_glass_reason=f" {REASON} ")
    assert same.fingerprint == callers[0].fingerprint


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """Return an environment with a data folder of its own."""
    return {"MLG_DATA_DIR": str(tmp_path / "data")}


async def test_the_command_mints_a_break_glass_token(env: dict[str, str]) -> None:
    """`mlg token root --break-glass REASON` prints a token for one hour that the server accepts."""
    result = CliRunner().invoke(commands, ["token", "root", "--break-glass", f" {REASON} "], env=env)
    assert (result.exit_code, result.stderr) == (0, "")
    token = result.stdout.strip()
    async with build_authenticator(Settings.from_env(env), no_closure) as auth:
        caller = await auth.authenticate(f"Bearer {token}")
    assert (caller.subject, caller.break_glass, caller.scopes) == ("root", REASON, frozenset(Scope))
    claims = json.loads(jws.extract_compact(token.encode()).payload)
    assert claims["exp"] - claims["iat"] == HOUR


@pytest.mark.parametrize("name", sorted(personas()))
async def test_usual_tokens_have_no_break_glass(env: dict[str, str], name: str) -> None:
    """The token of a persona has the scope with the option only, for root as well."""
    token = CliRunner().invoke(commands, ["token", name], env=env).stdout.strip()
    async with build_authenticator(Settings.from_env(env), no_closure) as auth:
        caller = await auth.authenticate(f"Bearer {token}")
    assert caller.break_glass is None
    assert Scope.BREAK_GLASS not in caller.scopes


@pytest.mark.parametrize("name", sorted(personas().keys() - {"root"}))
def test_only_root_gets_break_glass(env: dict[str, str], name: str) -> None:
    """For a persona without the scope the command ends with exit code 2 and a message."""
    result = CliRunner().invoke(commands, ["token", name, "--break-glass", REASON], env=env)
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"'{name}' has no graph:break-glass" in result.stderr


@pytest.mark.parametrize("reason", ["", "short", "x" * 501, "two\nlines of reason"])
def test_the_command_refuses_an_invalid_reason(env: dict[str, str], reason: str) -> None:
    """A reason that the server would refuse, an empty one as well, ends the command with exit code 2."""
    result = CliRunner().invoke(commands, ["token", "root", "--break-glass", reason], env=env)
    assert (result.exit_code, result.stdout) == (2, "")
    assert NO_REASON in result.stderr
