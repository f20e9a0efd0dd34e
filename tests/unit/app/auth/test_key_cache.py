"""The key cache under stampede, rotation, outage and forged key ids. No test waits: the clock is the test's."""

import asyncio

import httpx2
import pytest
from joserfc.jwk import ECKey, KeySet, OctKey
from starlette.responses import RedirectResponse
from starlette.types import Receive, Scope, Send
from support.servers.issuer import (
    AUDIENCE,
    EC,
    ENCRYPTION,
    RSA,
    SYMMETRIC,
    URL,
    Clock,
    LiveIssuer,
    authenticator,
    trusting,
)

from app.auth.authenticator import Authenticator, trust
from app.auth.discovery import DiscoveryError, fetch_keys
from app.auth.errors import AuthError, UnavailableError
from app.auth.issuers import Issuer
from app.auth.key_cache import KeyCache
from policies.errors import Code


@pytest.fixture
def issuer() -> LiveIssuer:
    """Return an issuer with one key."""
    return LiveIssuer(Clock(), keys=[EC])


@pytest.fixture
def door(issuer: LiveIssuer) -> Authenticator:
    """Return an Authenticator that trusts the issuer."""
    return authenticator([trusting(issuer)])


async def status(door: Authenticator, token: str) -> int:
    """Return the HTTP status that a token gets."""
    try:
        await door.authenticate(f"Bearer {token}")
    except AuthError as error:
        return error.status
    return 200


async def settled() -> None:
    """Wait until the refresh behind the caller's back has ended."""
    others = {task for task in asyncio.all_tasks() if task.get_name() == "refresh signing keys"}
    await asyncio.gather(*others)


def rotate(issuer: LiveIssuer, kid: str = "next") -> ECKey:
    """Replace the issuer's key."""
    key = ECKey.generate_key("P-256", {"kid": kid, "use": "sig"})
    issuer.keys = [key]
    return key


async def test_500_first_requests_fetch_once(issuer: LiveIssuer, door: Authenticator) -> None:
    """However many come first, the issuer is asked once."""
    token = issuer.mint()
    assert set(await asyncio.gather(*(status(door, token) for _ in range(500)))) == {200}
    assert issuer.fetches == 1


async def test_a_caller_who_leaves_does_not_end_the_fetch_of_the_others(
    issuer: LiveIssuer, door: Authenticator
) -> None:
    """A cancelled request takes nobody with it."""
    first, second = (asyncio.create_task(status(door, issuer.mint())) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == 200
    assert issuer.fetches == 1


async def test_a_slow_fetch_is_joined_not_repeated(issuer: LiveIssuer) -> None:
    """A fetch that takes longer than the cooldown is still the only one."""
    answer = asyncio.Event()
    fetches = 0

    async def fetch() -> KeySet:
        nonlocal fetches
        fetches += 1
        await answer.wait()
        return KeySet([EC])

    cache = KeyCache(fetch, clock=lambda: issuer.clock.monotonic)
    first = asyncio.create_task(cache.keys_for("ec"))
    await asyncio.sleep(0)
    issuer.clock.advance(30)
    second = asyncio.create_task(cache.keys_for("ec"))
    await asyncio.sleep(0)
    answer.set()
    assert await first is await second
    assert fetches == 1


async def test_keys_are_kept_until_a_refresh_is_due(issuer: LiveIssuer, door: Authenticator) -> None:
    """Before 80 % of their time the keys are not fetched again; then they are, and nobody waits for it."""
    token = issuer.mint()
    await status(door, token)
    issuer.clock.advance(239)
    assert (await status(door, token), issuer.fetches) == (200, 1)
    issuer.clock.advance(2)
    assert (await status(door, token), issuer.fetches) == (200, 1)
    await settled()
    assert issuer.fetches == 2


async def test_a_new_key_is_found_at_its_first_token(issuer: LiveIssuer, door: Authenticator) -> None:
    """An unknown key id makes the cache look once the cooldown is over."""
    await status(door, issuer.mint())
    issuer.clock.advance(10)
    assert await status(door, issuer.mint(rotate(issuer))) == 200
    assert issuer.fetches == 2


async def test_a_retired_key_is_refused_when_its_time_is_over(issuer: LiveIssuer, door: Authenticator) -> None:
    """After 300 s nobody is let in by a key that the issuer has taken back."""
    old = issuer.mint()
    await status(door, old)
    rotate(issuer)
    issuer.clock.advance(300)
    assert (await status(door, old), issuer.fetches) == (401, 2)


async def test_forged_key_ids_cost_no_fetches(issuer: LiveIssuer, door: Authenticator) -> None:
    """2,000 tokens with invented key ids within the cooldown are refused without asking the issuer."""
    await status(door, issuer.mint())
    forged = [issuer.mint(EC, {"kid": f"forged-{n}"}) for n in range(2_000)]
    assert {await status(door, token) for token in forged} == {401}
    assert issuer.fetches == 1


async def test_forged_key_ids_cost_one_fetch_a_cooldown(issuer: LiveIssuer, door: Authenticator) -> None:
    """Over 100 s of forged key ids the issuer is asked every 10 s, not more often."""
    await status(door, issuer.mint())
    for second in range(100):
        issuer.clock.advance(1)
        await status(door, issuer.mint(EC, {"kid": f"forged-{second}"}))
    assert issuer.fetches == 1 + 10


async def test_known_keys_survive_an_outage_of_an_hour(issuer: LiveIssuer, door: Authenticator) -> None:
    """With the issuer down, known keys serve for 3,600 s; after that the answer is 503 with Retry-After, not 401."""
    await status(door, issuer.mint())
    issuer.down = True
    issuer.clock.advance(3_600)
    assert await status(door, issuer.mint()) == 200
    issuer.clock.advance(1)
    with pytest.raises(UnavailableError) as caught:
        await door.authenticate(f"Bearer {issuer.mint()}")
    assert (caught.value.status, caught.value.code) == (503, Code.KEYS_UNAVAILABLE)
    assert 1 <= int(caught.value.headers["Retry-After"]) <= 10


async def test_an_outage_is_probed_every_ten_seconds_and_ends(issuer: LiveIssuer, door: Authenticator) -> None:
    """A dead issuer is not hammered, and the first request after its return is served."""
    await status(door, issuer.mint())
    issuer.down = True
    issuer.clock.advance(4_000)
    assert {await status(door, issuer.mint()) for _ in range(50)} == {503}
    issuer.down = False
    issuer.clock.advance(10)
    assert await status(door, issuer.mint()) == 200
    assert issuer.fetches == 2


async def test_without_any_keys_the_answer_is_503(issuer: LiveIssuer, door: Authenticator) -> None:
    """An issuer that was never reached makes tokens undecidable, not invalid; a second later it is tried again."""
    issuer.down = True
    assert await status(door, issuer.mint()) == 503
    issuer.down = False
    assert await status(door, issuer.mint()) == 503
    issuer.clock.advance(1)
    assert await status(door, issuer.mint()) == 200


async def test_an_unknown_key_during_an_outage_is_undecidable(issuer: LiveIssuer, door: Authenticator) -> None:
    """A key that may just have been introduced gets 503 while nobody can say, and 401 once somebody can."""
    await status(door, issuer.mint())
    issuer.down = True
    issuer.clock.advance(10)
    token = issuer.mint(EC, {"kid": "new"})
    assert await status(door, token) == 503
    issuer.down = False
    issuer.clock.advance(10)
    assert await status(door, token) == 401


@pytest.mark.parametrize(
    "lie",
    [
        {"issuer": "https://evil.example"},
        {"issuer": "https://issuer.example/"},
        {"issuer": None},
        {"jwks_uri": None},
        {"jwks_uri": "http://issuer.example/jwks"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": "https://user:secret@issuer.example/jwks"},
        {"jwks_uri": "https://issuer.example/elsewhere"},
    ],
    ids=str,
)
async def test_a_discovery_that_does_not_fit_is_not_believed(
    issuer: LiveIssuer, door: Authenticator, lie: dict[str, object]
) -> None:
    """Keys come only from the document of the issuer itself, over a safe URL: anything else is as if it were down."""
    issuer.discovery = lie
    assert (await status(door, issuer.mint()), issuer.fetches) == (503, 0)


@pytest.mark.parametrize("jwks", [{}, {"keys": []}, {"keys": "x"}, {"keys": [5, {"kty": "EC"}]}, [], "x"], ids=str)
async def test_a_key_set_without_keys_is_an_outage(issuer: LiveIssuer, door: Authenticator, jwks: object) -> None:
    """A set that holds nothing to verify with is refused as a whole, so known keys stay."""
    issuer.jwks = jwks
    assert await status(door, issuer.mint()) == 503


async def test_one_odd_key_does_not_spoil_the_set(issuer: LiveIssuer, door: Authenticator) -> None:
    """Keys of unknown kinds, and broken ones, are ignored (RFC 7517 section 5)."""
    issuer.jwks = {"keys": [{"kty": "AKP", "kid": "pq"}, {"kty": "EC", "crv": "P-256"}, EC.as_dict(private=False)]}
    assert await status(door, issuer.mint()) == 200


async def test_a_symmetric_key_is_dropped_when_the_set_loads(issuer: LiveIssuer) -> None:
    """Of keys of every kind only public ones that may sign are kept, whatever a symmetric one says of itself."""
    symmetric = OctKey.generate_key(256, {"kid": "sly", "use": "sig", "alg": "ES256"})
    issuer.keys = [EC, RSA, SYMMETRIC, ENCRYPTION, symmetric]
    keys = await fetch_keys(issuer.client(), Issuer(URL, AUDIENCE, "acme"))
    assert {key.kid for key in keys} == {"ec", "rsa"}
    issuer.keys = [SYMMETRIC]
    with pytest.raises(DiscoveryError, match="no key"):
        await fetch_keys(issuer.client(), Issuer(URL, AUDIENCE, "acme"))


async def test_the_old_key_goes_with_the_fetch_that_brings_the_new(issuer: LiveIssuer, door: Authenticator) -> None:
    """A rotation costs one fetch: from then on the new key opens, the old one does not, and neither costs another."""
    old = issuer.mint()
    await status(door, old)
    new = issuer.mint(rotate(issuer))
    issuer.clock.advance(10)
    assert [await status(door, token) for token in (old, new, old, new)] == [200, 200, 401, 200]
    assert issuer.fetches == 2


@pytest.mark.parametrize("status_code", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/jwks"])
async def test_a_redirect_is_not_followed(issuer: LiveIssuer, path: str, status_code: int) -> None:
    """Whoever can make an issuer redirect cannot choose its keys: it is an outage, and nobody goes there."""
    honest, gone_to = issuer.app(), []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == path:
            await RedirectResponse(f"{URL}/moved", status_code)(scope, receive, send)
        elif scope["path"] == "/moved":
            gone_to.append(path)
            await honest({**scope, "path": path}, receive, send)
        else:
            await honest(scope, receive, send)

    client = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), follow_redirects=True)
    async with authenticator([trust(Issuer(URL, AUDIENCE, "acme"), client)]) as door:
        assert await status(door, issuer.mint()) == 503
    assert gone_to == []


async def test_an_answer_without_an_end_is_an_outage(issuer: LiveIssuer) -> None:
    """An issuer that never finishes does not hold those who wait: after the deadline it counts as down."""

    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        await asyncio.Event().wait()

    client = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), timeout=None)
    with pytest.raises(DiscoveryError, match="did not complete"):
        await fetch_keys(client, Issuer(issuer.url, AUDIENCE, "acme"), deadline=0.01)


async def test_a_huge_discovery_is_refused(issuer: LiveIssuer, door: Authenticator) -> None:
    """A discovery document over a mebibyte is not read to the end either."""
    issuer.discovery = {"filler": "x" * (1 << 20)}
    assert (await status(door, issuer.mint()), issuer.fetches) == (503, 0)


async def test_a_huge_key_set_is_refused(issuer: LiveIssuer, door: Authenticator) -> None:
    """An answer over a mebibyte is not read to the end."""
    issuer.jwks = {"keys": [EC.as_dict(private=False)], "filler": "x" * (1 << 20)}
    assert await status(door, issuer.mint()) == 503
