"""The cache of signing keys under many requests, rotation, outage and forged key ids, on a clock of the test."""

import asyncio

import pytest
from joserfc.jwk import ECKey, KeySet
from support.servers.issuer import (
    EC,
    LiveIssuer,
    status_of,
)

from app.auth.authenticator import Authenticator
from app.auth.errors import UnavailableError
from app.auth.key_cache import KeyCache
from policies.errors import Code


async def refreshed() -> None:
    """Wait until the background refresh has ended."""
    refreshes = {task for task in asyncio.all_tasks() if task.get_name() == "refresh signing keys"}
    await asyncio.gather(*refreshes)


def rotate(issuer: LiveIssuer, kid: str = "next") -> ECKey:
    """Replace the keys of the issuer by a new one and return it."""
    key = ECKey.generate_key("P-256", {"kid": kid, "use": "sig"})
    issuer.keys = [key]
    return key


async def test_500_first_requests_fetch_once(issuer: LiveIssuer, auth: Authenticator) -> None:
    """500 concurrent requests with an empty cache cause one fetch."""
    token = issuer.mint()
    assert set(await asyncio.gather(*(status_of(auth, token) for _ in range(500)))) == {200}
    assert issuer.fetches == 1


async def test_a_cancelled_request_does_not_end_the_fetch_of_others(issuer: LiveIssuer, auth: Authenticator) -> None:
    """The request that started the fetch is cancelled, and another one that waits for the fetch succeeds."""
    first, second = (asyncio.create_task(status_of(auth, issuer.mint())) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == 200
    assert issuer.fetches == 1


async def test_a_slow_fetch_is_not_repeated(issuer: LiveIssuer) -> None:
    """A request during a fetch that takes longer than the cooldown waits for this fetch."""
    response = asyncio.Event()
    fetches = 0

    async def fetch() -> KeySet:
        nonlocal fetches
        fetches += 1
        await response.wait()
        return KeySet([EC])

    cache = KeyCache(fetch, clock=lambda: issuer.clock.monotonic)
    first = asyncio.create_task(cache.keys_for("ec"))
    await asyncio.sleep(0)
    issuer.clock.advance(30)
    second = asyncio.create_task(cache.keys_for("ec"))
    await asyncio.sleep(0)
    response.set()
    assert await first is await second
    assert fetches == 1


async def test_keys_are_kept_until_a_refresh_is_due(issuer: LiveIssuer, auth: Authenticator) -> None:
    """Keys are not fetched again within 80 % of their lifetime; after that in the background, without a delay."""
    token = issuer.mint()
    await status_of(auth, token)
    issuer.clock.advance(239)
    assert (await status_of(auth, token), issuer.fetches) == (200, 1)
    issuer.clock.advance(2)
    assert (await status_of(auth, token), issuer.fetches) == (200, 1)
    await refreshed()
    assert issuer.fetches == 2


async def test_an_unknown_key_id_causes_a_fetch(issuer: LiveIssuer, auth: Authenticator) -> None:
    """The first token of a new key is accepted, after one fetch, once the cooldown is over."""
    await status_of(auth, issuer.mint())
    issuer.clock.advance(10)
    assert await status_of(auth, issuer.mint(rotate(issuer))) == 200
    assert issuer.fetches == 2


async def test_a_withdrawn_key_is_refused_after_its_lifetime(issuer: LiveIssuer, auth: Authenticator) -> None:
    """A token of a key that the issuer has withdrawn is refused 300 s after the last fetch."""
    old = issuer.mint()
    await status_of(auth, old)
    rotate(issuer)
    issuer.clock.advance(300)
    assert (await status_of(auth, old), issuer.fetches) == (401, 2)


async def test_forged_key_ids_cost_no_fetches(issuer: LiveIssuer, auth: Authenticator) -> None:
    """2,000 tokens with invented key ids within the cooldown are refused without a fetch."""
    await status_of(auth, issuer.mint())
    forged = [issuer.mint(EC, {"kid": f"forged-{n}"}) for n in range(2_000)]
    assert {await status_of(auth, token) for token in forged} == {401}
    assert issuer.fetches == 1


async def test_forged_key_ids_cost_one_fetch_a_cooldown(issuer: LiveIssuer, auth: Authenticator) -> None:
    """Forged key ids over 100 s cause one fetch every 10 s."""
    await status_of(auth, issuer.mint())
    for second in range(100):
        issuer.clock.advance(1)
        await status_of(auth, issuer.mint(EC, {"kid": f"forged-{second}"}))
    assert issuer.fetches == 1 + 10


async def test_known_keys_survive_an_outage_of_an_hour(issuer: LiveIssuer, auth: Authenticator) -> None:
    """With the issuer down, known keys are valid for 3,600 s; after that the status is 503 with Retry-After."""
    await status_of(auth, issuer.mint())
    issuer.down = True
    issuer.clock.advance(3_600)
    assert await status_of(auth, issuer.mint()) == 200
    issuer.clock.advance(1)
    with pytest.raises(UnavailableError) as caught:
        await auth.authenticate(f"Bearer {issuer.mint()}")
    assert (caught.value.status, caught.value.code) == (503, Code.KEYS_UNAVAILABLE)
    assert 1 <= int(caught.value.headers["Retry-After"]) <= 10


async def test_an_unavailable_issuer_is_tried_every_ten_seconds(issuer: LiveIssuer, auth: Authenticator) -> None:
    """50 requests during an outage cause no fetch, and the first request after the cooldown succeeds."""
    await status_of(auth, issuer.mint())
    issuer.down = True
    issuer.clock.advance(4_000)
    assert {await status_of(auth, issuer.mint()) for _ in range(50)} == {503}
    issuer.down = False
    issuer.clock.advance(10)
    assert await status_of(auth, issuer.mint()) == 200
    assert issuer.fetches == 2


async def test_without_any_keys_the_status_is_503(issuer: LiveIssuer, auth: Authenticator) -> None:
    """Tokens of an issuer that was never reached get status 503, not 401; the next try follows after a second."""
    issuer.down = True
    assert await status_of(auth, issuer.mint()) == 503
    issuer.down = False
    assert await status_of(auth, issuer.mint()) == 503
    issuer.clock.advance(1)
    assert await status_of(auth, issuer.mint()) == 200


async def test_an_unknown_key_during_an_outage_is_undecidable(issuer: LiveIssuer, auth: Authenticator) -> None:
    """A token with an unknown key id gets status 503 while the issuer is down, and 401 afterwards."""
    await status_of(auth, issuer.mint())
    issuer.down = True
    issuer.clock.advance(10)
    token = issuer.mint(EC, {"kid": "new"})
    assert await status_of(auth, token) == 503
    issuer.down = False
    issuer.clock.advance(10)
    assert await status_of(auth, token) == 401


async def test_a_rotation_costs_one_fetch(issuer: LiveIssuer, auth: Authenticator) -> None:
    """The fetch for the new key also removes the old one, and tokens of neither cause another fetch."""
    old = issuer.mint()
    await status_of(auth, old)
    new = issuer.mint(rotate(issuer))
    issuer.clock.advance(10)
    assert [await status_of(auth, token) for token in (old, new, old, new)] == [200, 200, 401, 200]
    assert issuer.fetches == 2
