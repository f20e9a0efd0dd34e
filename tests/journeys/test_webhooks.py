"""Webhooks: the changes that a service account may see arrive at its receiver, signed, in order, and none is lost."""

import asyncio
import hmac
import json
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from support.servers.in_process import Api, observes_one_process
from support.servers.webhook_inbox import Inbox, receiving
from support.waiting import until

from app.auth import teams
from app.auth.dev_issuer import DevIssuer
from app.auth.personas import persona
from app.graph.records.clock import epoch_milliseconds
from app.runtime.webhook_parts import webhook_job
from app.settings import Settings
from app.telemetry.access_log import access_log_path
from app.webhooks.receiver_hosts import ReceiverHosts
from app.webhooks.webhook_delivery import RetryPlan
from app.webhooks.webhook_job import WebhookJob
from app.webhooks.webhook_rights import WebhookRights

pytestmark = observes_one_process
"""Registry and job of a test are those of one process; tests/journeys/test_webhooks_page.py runs over several."""

OWNER = "ci-ranking"
HOUR = 3_600_000
CHANGE = """id action subjectId subject { id kind displayName } fields { field alias before after } actor at reason
  requestId reverts { id } cursor"""
LISTED = f"query ($subjects: [ID!]) {{ changes(filter: {{subjects: $subjects}}) {{ nodes {{ {CHANGE} }} }} }}"
REGISTER = """mutation ($input: RegisterWebhookInput!) { registerWebhook(input: $input) {
  secret webhook { name state cursor } errors { code inputPath } } }"""
UPDATE = """mutation ($input: UpdateWebhookInput!) { updateWebhook(input: $input) {
  secret webhook { state failures } errors { code inputPath } } }"""
REMOVE = "mutation ($name: String!) { removeWebhook(input: {name: $name}) { errors { code inputPath } } }"
REMOVE_INPUT = """mutation ($input: RemoveWebhookInput!) { removeWebhook(input: $input) {
  changed webhook { name } errors { code } } }"""
OWNED = "{ webhooks { name state failures lastError cursor } }"


def urn(name: str) -> str:
    """Return the id of a dataset."""
    return f"mlg://dataset/test/default/{name}"


def dataset(name: str, **fields: Any) -> dict[str, Any]:
    """Return the item of a dataset."""
    return {"dataset": {"id": urn(name), **fields}}


@dataclass
class Hooks:
    """The webhooks of an API, sent by ``job`` in ``task``; their clock is that of ``rights``."""

    api: Api
    inbox: Inbox
    rights: WebhookRights
    job: WebhookJob = field(init=False)
    task: asyncio.Task[None] = field(init=False)

    async def register(self, name: str = "hook", who: str = OWNER, **more: Any) -> str:
        """Register the inbox, and return the secret."""
        payload = await self.api.ask(who, REGISTER, input={"name": name, "url": self.inbox.url, **more})
        assert payload["registerWebhook"]["errors"] == []
        return str(payload["registerWebhook"]["secret"])

    async def owned(self, who: str = OWNER) -> dict[str, Any]:
        """Return the only webhook of a caller."""
        (found,) = (await self.api.ask(who, OWNED))["webhooks"]
        return dict(found)

    def start(self) -> None:
        """Send webhooks, with short pauses after failures."""
        process = self.api.process
        current = process.authenticator.with_current_owners
        self.job = webhook_job(process.settings, self.rights, process.schema, self.api.contexts, current)
        self.job.plan = RetryPlan(first=0.01, max_pause=0.02)
        self.job.pause_seconds = 600.0  # the job is woken
        self.task = asyncio.create_task(self.job.run())

    async def stop(self, *, killed: bool = False) -> None:
        """Send no more; a killed process has stored nothing of what it sent since its last step."""
        self.task.cancel()
        await asyncio.wait([self.task])
        for running in self.job.running.values() if killed else ():
            await running.stop()
            running.delivery.unsaved = False
        await self.job.close()


@pytest.fixture
async def inbox() -> AsyncIterator[Inbox]:
    """Run a receiver."""
    async with receiving() as inbox:
        yield inbox


@pytest.fixture
async def now() -> list[int]:
    """Return a list whose only number is added to the clock of webhooks, in milliseconds."""
    return [0]


@pytest.fixture
async def hooks(api: Api, inbox: Inbox, now: list[int]) -> AsyncIterator[Hooks]:
    """Send webhooks to the receiver, with short pauses; nothing remains of them in the graph."""
    hosts = ReceiverHosts.parse((inbox.url,))
    rights = WebhookRights(hosts, 24 * HOUR, api.contexts.cursor_key, lambda: epoch_milliseconds() + now[0])
    hooks = Hooks(api, inbox, rights)
    hooks.start()
    try:
        yield hooks
    finally:
        await hooks.stop()
        for webhook in await hooks.job.store.all():
            await hooks.job.store.remove(webhook)
        api.contexts.webhooks = None


def signed(secret: str, headers: dict[str, str], body: bytes) -> str:
    """Return the signature of a request as the specification has it."""
    text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    return "v1," + b64encode(hmac.digest(b64decode(secret.removeprefix("whsec_")), text, "sha256")).decode()


async def test_a_change_arrives_signed_and_as_its_owner_sees_it(hooks: Hooks) -> None:
    """The body of a delivery has what the owner reads by `changes`, and the signature is by the secret shown once."""
    secret = await hooks.register(filter={"subjects": [urn("first")]})
    await hooks.api.load(dataset("first", description="one"))
    await until(lambda: len(hooks.inbox.accepted) == 1)
    ((headers, body),) = hooks.inbox.requests
    assert headers["webhook-signature"] == signed(secret, headers, body)
    event = json.loads(body)
    listed = await hooks.api.ask(OWNER, LISTED, subjects=[urn("first")])
    assert [event["data"]] == listed["changes"]["nodes"]
    assert (event["type"], event["subject"]) == ("mlgraph.change.registered", urn("first"))
    stored = (await hooks.job.store.all())[0]
    assert secret not in stored.record()
    assert secret.removeprefix("whsec_") not in stored.record()


async def test_failed_deliveries_are_repeated_and_keep_their_order(hooks: Hooks) -> None:
    """A change that fails is sent again with the same id until it is accepted, and later changes wait for it."""
    await hooks.register()
    hooks.inbox.answers.extend([500, 429, 503])
    names = [f"retried-{number}" for number in range(5)]
    for name in names:
        await hooks.api.load(dataset(name))
    await until(lambda: len(hooks.inbox.accepted) == 5)
    assert hooks.inbox.subjects() == names
    assert len(hooks.inbox.ids()) == 8
    assert len(set(hooks.inbox.ids()[:4])) == 1
    assert len(set(hooks.inbox.ids())) == 5

    async def recovered() -> bool:
        return bool((await hooks.owned())["failures"] == 0)

    await until(recovered)


async def test_nothing_is_lost_over_a_kill(hooks: Hooks) -> None:
    """After a process ended without storing anything, the next one sends all changes since the last stored cursor."""
    await hooks.register()
    await hooks.api.load(dataset("before-1"))
    await hooks.api.load(dataset("before-2"))
    await until(lambda: len(hooks.inbox.accepted) == 2)
    await hooks.stop(killed=True)
    await hooks.api.load(dataset("between"))
    hooks.start()
    await hooks.api.load(dataset("after"))
    await until(lambda: hooks.inbox.subjects()[-1:] == ["after"])
    repeated = ["before-1", "before-2"]
    assert hooks.inbox.subjects() == [*repeated, *repeated, "between", "after"]
    assert hooks.inbox.ids()[:2] == hooks.inbox.ids()[2:4]


async def test_a_stopped_job_repeats_nothing(hooks: Hooks) -> None:
    """At an orderly end the cursor is stored, so that the next process continues after the last delivery."""
    await hooks.register()
    await hooks.api.load(dataset("kept"))
    await until(lambda: len(hooks.inbox.accepted) == 1)
    await hooks.stop()
    hooks.start()
    await hooks.api.load(dataset("next"))
    await until(lambda: hooks.inbox.subjects()[-1:] == ["next"])
    assert hooks.inbox.subjects() == ["kept", "next"]


async def test_changes_are_replayed_after_a_cursor(hooks: Hooks) -> None:
    """`updateWebhook` with a cursor sends all later changes again, with the same ids."""
    await hooks.register()
    for name in ("r1", "r2", "r3"):
        await hooks.api.load(dataset(name))
    await until(lambda: len(hooks.inbox.accepted) == 3)
    after = hooks.inbox.accepted[0]["data"]["cursor"]
    await hooks.api.ask(OWNER, UPDATE, input={"name": "hook", "after": after})
    await until(lambda: len(hooks.inbox.accepted) == 5)
    assert hooks.inbox.subjects() == ["r1", "r2", "r3", "r2", "r3"]
    assert hooks.inbox.ids()[1:3] == hooks.inbox.ids()[3:]


async def test_the_filter_is_that_of_the_subscription(hooks: Hooks) -> None:
    """Only changes that meet the filter are sent, and a new filter replaces the former one."""
    await hooks.register(filter={"subjects": [urn("wanted")], "actions": ["REGISTERED"]})
    await hooks.api.load(dataset("other"))
    await hooks.api.load(dataset("wanted"))
    await until(lambda: hooks.inbox.subjects() == ["wanted"])
    await hooks.api.ask(OWNER, UPDATE, input={"name": "hook", "filter": {}})
    await hooks.api.load(dataset("any"))
    await until(lambda: hooks.inbox.subjects() == ["wanted", "any"])


async def test_a_webhook_shows_what_its_owner_may_see(hooks: Hooks) -> None:
    """Changes of assets that are hidden from the owner are not sent, also after its team has changed."""
    api = hooks.api
    mine, other = "mlg://team/catalog/default/ranking", "mlg://team/catalog/default/ads"
    await api.load({"team": {"name": "ranking"}}, {"team": {"name": "ads"}})
    hidden = {"visibility": "TEAM"}
    await hooks.register()
    await api.load(dataset("theirs", owners=[{"owner": other}], **hidden))
    await api.load(dataset("ours", owners=[{"owner": mine}], **hidden))
    await until(lambda: hooks.inbox.subjects() == ["ours"])
    settings = api.process.settings
    moved = DevIssuer(settings).mint(replace(persona(OWNER), groups=("ads",)))
    api.tokens["moved"] = moved
    refused = await api.ask("moved", UPDATE, input={"name": "hook"})
    assert [each["code"] for each in refused["updateWebhook"]["errors"]] == ["CONFLICT"]
    await api.ask("moved", UPDATE, input={"name": "hook", "url": hooks.inbox.url})
    await api.load(dataset("ours", description="later"))
    await api.load(dataset("theirs", description="later"))
    await until(lambda: hooks.inbox.subjects() == ["ours", "theirs"])


async def test_a_webhook_shows_what_the_team_of_its_owner_has_now(
    hooks: Hooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a member has left the team, changes of the hidden assets of this user are not sent."""
    monkeypatch.setattr(teams, "CLOSURE_SECONDS", 0.0)
    member = "mlg://user/catalog/default/leaves"

    def members(*users: str) -> dict[str, Any]:
        return {"team": {"name": "leavers", "members": [{"user": user} for user in users]}}

    await hooks.api.load({"user": {"id": member, "name": "leaves"}}, members(member))
    theirs: dict[str, Any] = {"owners": [{"owner": member}], "visibility": "TEAM"}
    await hooks.api.load(dataset("of-member", **theirs))
    caller = replace(persona(OWNER), groups=("leavers",))  # no closure of this team is cached
    hooks.api.tokens["caller"] = DevIssuer(hooks.api.process.settings).mint(caller)
    await hooks.register(who="caller", filter={"subjects": [urn("of-member"), urn("of-all")]})
    await hooks.api.load(dataset("of-member", description="as a member"))
    await until(lambda: hooks.inbox.subjects() == ["of-member"])
    await hooks.api.load(members())
    await hooks.api.load(dataset("of-member", description="as another"), dataset("of-all"))
    await until(lambda: hooks.inbox.subjects() == ["of-member", "of-all"])


async def test_nothing_is_sent_after_the_rights_have_ended(hooks: Hooks, now: list[int]) -> None:
    """A webhook pauses when the rights of its owner's last call have ended, and continues after the next call."""
    await hooks.register()
    await hooks.api.load(dataset("in-time"))
    await until(lambda: hooks.inbox.subjects() == ["in-time"])
    now[0] = 25 * HOUR
    await hooks.api.load(dataset("too-late"))
    await until(lambda: all(each.task.done() for each in hooks.job.running.values()))
    assert (await hooks.owned())["state"] == "RIGHTS_ENDED"
    assert hooks.inbox.subjects() == ["in-time"]
    await hooks.api.ask(OWNER, UPDATE, input={"name": "hook"})
    await until(lambda: hooks.inbox.subjects() == ["in-time", "too-late"])


async def test_a_removed_webhook_gets_nothing(hooks: Hooks) -> None:
    """After the removal no delivery runs, and the name is free again."""
    await hooks.register()
    await hooks.api.load(dataset("sent"))
    await until(lambda: hooks.inbox.subjects() == ["sent"])
    assert await hooks.api.ask(OWNER, REMOVE, name="hook") == {"removeWebhook": {"errors": []}}
    await until(lambda: not hooks.job.running)
    assert (await hooks.api.ask(OWNER, OWNED)) == {"webhooks": []}
    refused = [{"code": "NOT_FOUND", "inputPath": ["name"]}]
    assert await hooks.api.ask(OWNER, REMOVE, name="hook") == {"removeWebhook": {"errors": refused}}


async def test_a_dry_run_changes_nothing(hooks: Hooks) -> None:
    """Each mutation with `dryRun` returns what it would do, makes no secret, and leaves the store as it is."""
    given, shown = {"name": "hook", "dryRun": True}, "changed secret webhook { name url state }"
    dry = [REGISTER.replace("secret webhook { name state cursor }", shown), UPDATE, REMOVE_INPUT]
    dry[1] = UPDATE.replace("secret webhook { state failures }", shown)
    shown_now = {"name": "hook", "url": hooks.inbox.url, "state": "ACTIVE"}
    first = (await hooks.api.ask(OWNER, dry[0], input={**given, "url": hooks.inbox.url}))["registerWebhook"]
    assert first == {"changed": True, "secret": None, "webhook": shown_now, "errors": []}
    assert await hooks.job.store.all() == []
    await hooks.register()
    before = await hooks.job.store.all()
    second = (await hooks.api.ask(OWNER, dry[1], input={**given, "rotateSecret": True}))["updateWebhook"]
    assert second == {"changed": True, "secret": None, "webhook": shown_now, "errors": []}
    third = (await hooks.api.ask(OWNER, dry[2], input=given))["removeWebhook"]
    assert third == {"changed": True, "webhook": None, "errors": []}
    assert await hooks.job.store.all() == before


async def test_the_cursor_discloses_no_hidden_change(hooks: Hooks) -> None:
    """Two webhooks that begin now have different cursors, whether something was written between them or not."""
    cursors = set[str]()
    for name in ("first", "second"):
        given = {"name": name, "url": hooks.inbox.url, "dryRun": True}
        payload = (await hooks.api.ask(OWNER, REGISTER, input=given))["registerWebhook"]
        cursors.add(payload["webhook"]["cursor"])
    assert len(cursors) == 2


async def test_a_receiver_ends_its_webhook(hooks: Hooks) -> None:
    """Status 410 disables a webhook at once; `updateWebhook` starts it again with the same change."""
    await hooks.register()
    hooks.inbox.answers.append(410)
    await hooks.api.load(dataset("gone"))

    async def disabled() -> bool:
        return bool((await hooks.owned())["state"] == "DISABLED")

    await until(disabled)
    assert (await hooks.owned())["lastError"] == "HTTP 410"
    updated = await hooks.api.ask(OWNER, UPDATE, input={"name": "hook"})
    assert updated["updateWebhook"]["webhook"] == {"state": "ACTIVE", "failures": 0}
    await until(lambda: hooks.inbox.subjects() == ["gone"])


async def test_a_slow_receiver_does_not_hold_up_others(hooks: Hooks) -> None:
    """While a receiver does not answer, all changes arrive at another one."""
    async with receiving() as slow:
        slow.open.clear()
        object.__setattr__(hooks.rights, "hosts", ReceiverHosts.parse((hooks.inbox.url, slow.url)))
        await hooks.register()
        await hooks.api.ask(OWNER, REGISTER, input={"name": "slow", "url": slow.url})
        names = [f"fast-{number}" for number in range(10)]
        for name in names:
            await hooks.api.load(dataset(name))
        await until(lambda: hooks.inbox.subjects() == names)
        assert len(slow.requests) <= 1
        slow.open.set()
        await until(lambda: slow.subjects() == names)


def access_log(settings: Settings) -> str:
    """Return the text of the access log."""
    return access_log_path(settings).read_text()


async def test_others_have_no_access(hooks: Hooks) -> None:
    """A webhook is absent for every other caller, under its name too; people and break-glass tokens have none."""
    settings, who = hooks.api.process.settings, persona(OWNER)
    hooks.api.tokens["ci-ads"] = DevIssuer(settings).mint(replace(who, name="ci-ads", groups=("ads",)))
    await hooks.register()
    assert (await hooks.api.ask("ci-ads", OWNED)) == {"webhooks": []}
    refused = [{"code": "NOT_FOUND", "inputPath": ["name"]}]
    for name in ("hook", "absent"):
        assert (await hooks.api.ask("ci-ads", REMOVE, name=name))["removeWebhook"]["errors"] == refused
    await hooks.register(who="ci-ads")
    denied = [{"code": "DENIED", "inputPath": []}]
    given = {"name": "mine", "url": hooks.inbox.url}
    for caller in ("ada", "root", "root breaking glass"):
        assert (await hooks.api.ask(caller, REGISTER, input=given))["registerWebhook"]["errors"] == denied
    (error,) = (await hooks.api.send("bo", REGISTER, input=given))["errors"]
    assert error["extensions"]["code"] == "FORBIDDEN"
    assert '"event":"webhook","action":"register","name":"hook"' in access_log(settings)


@pytest.mark.parametrize(
    ("given", "code", "path"),
    [
        ({"url": "https://elsewhere.example.com/"}, "INVALID", ["url"]),
        ({"name": "a b"}, "INVALID", ["name"]),
        ({"after": "x"}, "INVALID", ["after"]),
        ({"filter": {"subjects": ["x" * 60_000]}}, "INVALID", ["filter"]),
    ],
)
async def test_invalid_webhooks_are_refused(hooks: Hooks, given: dict[str, Any], code: str, path: list[str]) -> None:
    """The error names the field, and nothing is stored."""
    valid = {"name": "hook", "url": hooks.inbox.url}
    payload = (await hooks.api.ask(OWNER, REGISTER, input={**valid, **given}))["registerWebhook"]
    assert payload == {"secret": None, "webhook": None, "errors": [{"code": code, "inputPath": path}]}
    assert await hooks.job.store.all() == []


async def test_webhooks_are_off_without_the_setting(api: Api) -> None:
    """Without MLG_WEBHOOK_HOSTS a registration is refused with an error that names the setting."""
    text = REGISTER.replace("inputPath", "message")
    payload = await api.ask(OWNER, text, input={"name": "hook", "url": "http://127.0.0.1:9"})
    (error,) = payload["registerWebhook"]["errors"]
    assert (error["code"], "MLG_WEBHOOK_HOSTS" in error["message"]) == ("INVALID", True)
    assert (await api.ask(OWNER, OWNED)) == {"webhooks": []}
