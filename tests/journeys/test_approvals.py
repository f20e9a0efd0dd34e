"""Approvals: who may decide, and how decisions are recorded, listed and kept."""

from typing import Any

from support.estates.leak_catalogue import token
from support.estates.promotions import (
    ADS,
    RANKING,
    approve,
    codes,
    history,
    model,
    of_version,
    register,
    revert,
    set_alias,
    version,
)
from support.servers.in_process import Api


async def test_a_decision_is_recorded_beside_its_subject(api: Api) -> None:
    """An approval has its actor, gate, reason and expiry; the subject gets an audit entry and keeps its revision."""
    await register(api, "beside")
    await api.load({"user": {"name": "eli", "displayName": "Eli"}})
    more = {"reason": "tried for a week", "expiresAt": "2999-01-01T00:00:00Z"}
    payload = await approve(api, "eli", version("beside"), **more)
    approval = payload["approval"]
    assert payload["errors"] == []
    assert approval["id"].startswith("mlg://approval/catalog/default/")
    assert {key: value for key, value in approval.items() if key not in {"id", "decidedAt"}} == {
        "gate": "release",
        "decision": "APPROVED",
        "decidedBySubject": "eli",
        "decidedBy": {"name": "eli"},
        "subject": {"id": version("beside")},
        **more,
    }
    found = await of_version(api, "bo", "beside")
    assert (found["revision"], found["approvals"]["totalCount"]) == (1, 1)
    (change, *_) = await history(api, "bo", version("beside"))
    assert (change["action"], change["actor"], change["reason"]) == ("APPROVED", "eli", "tried for a week")
    after = '{"gate":"release","decision":"APPROVED"}'
    assert change["fields"] == [{"field": "approvals", "alias": None, "before": None, "after": after}]


async def test_every_decision_is_kept(api: Api) -> None:
    """All decisions are listed, the newest first, but a repeated one once; REVOKED needs an approval."""
    await register(api, "follow")
    subject = version("follow")
    assert codes(await approve(api, "eli", subject, decision="REVOKED")) == ["CONFLICT"]
    for decision in ("APPROVED", "APPROVED", "REVOKED", "REJECTED"):
        assert codes(await approve(api, "eli", subject, decision=decision)) == []
    assert codes(await approve(api, "eli", subject, decision="REVOKED")) == ["CONFLICT"]
    nodes = (await of_version(api, "eli", "follow"))["approvals"]["nodes"]
    assert [each["decision"] for each in nodes] == ["REJECTED", "REVOKED", "APPROVED"]
    assert [each["action"] for each in await history(api, "eli", subject)] == ["APPROVED"] * 3 + ["REGISTERED"]


async def test_an_idempotency_key_records_one_decision(api: Api) -> None:
    """The same call with the same key returns the first approval; a different call with the key is rejected."""
    await register(api, "key")
    first = await approve(api, "eli", version("key"), idempotencyKey="k")
    assert await approve(api, "eli", version("key"), idempotencyKey="k") == first
    assert codes(await approve(api, "eli", version("key"), "other", idempotencyKey="k")) == ["IDEMPOTENCY_CONFLICT"]
    assert (await of_version(api, "eli", "key"))["approvals"]["totalCount"] == 1


async def test_rights_to_approve(api: Api) -> None:
    """Approvers may decide about assets of their teams, auditors about every asset; other callers are DENIED."""
    await register(api, "may")
    await api.load(
        {"dataset": {"source": "test", "name": "theirs", "owners": [{"owner": RANKING["owner"][:-7] + "ads"}]}}
    )
    theirs = "mlg://dataset/test/default/theirs"
    for who in ("ada", "root", "ci-ranking"):
        assert codes(await approve(api, who, version("may"))) == ["DENIED"]
    assert codes(await approve(api, "eli", theirs)) == ["DENIED"]
    assert codes(await approve(api, "cy", theirs)) == []


async def test_only_registered_versions_deployments_and_data_can_be_approved(api: Api) -> None:
    """Models, stubs, expiries in the past and gate names with spaces are INVALID."""
    await register(api, "about")
    await api.load(
        {"dataset": {"source": "test", "name": "d", "owners": [RANKING]}},
        {"datasetVersion": {"source": "test", "name": "d", "version": "1"}},
        {"deployment": {"source": "test", "name": "p", "modelVersion": version("about", 5), "owners": [RANKING]}},
    )
    for subject in ("dataset/test/default/d", "dataset-version/test/default/d@1", "deployment/test/default/p"):
        assert codes(await approve(api, "eli", f"mlg://{subject}")) == []
    for subject, given, path in (
        (model("about"), {}, "subject"),
        (version("about", 5), {}, "subject"),
        (version("about"), {"gate": "all of us"}, "gate"),
        (version("about"), {"expiresAt": "2001-01-01T00:00:00Z"}, "expiresAt"),
    ):
        payload = await approve(api, "eli", subject, **given)
        assert (codes(payload), payload["errors"][0]["inputPath"]) == (["INVALID"], [path])
        assert payload["approval"] is None


async def test_a_hidden_subject_is_indistinguishable_from_an_unknown_one(api: Api) -> None:
    """Code and message for a subject hidden from the caller equal those for an unknown subject."""
    await register(api, "theirs", 1)
    secret = {"owners": [{"owner": "mlg://team/catalog/default/ads"}], "visibility": "TEAM"}
    await api.load({"modelVersion": {"id": version("theirs"), **secret}})
    hidden, unknown = await approve(api, "eli", version("theirs")), await approve(api, "eli", version("theirs", 2))
    assert codes(hidden) == ["NOT_FOUND"]
    assert str(hidden).replace("theirs@1", "") == str(unknown).replace("theirs@2", "")


async def test_an_approval_is_visible_with_its_subject(api: Api) -> None:
    """An approval read by id is null for callers from whom its subject is hidden."""
    await register(api, "shown", 1)
    made = (await approve(api, "eli", version("shown")))["approval"]["id"]
    query = "query ($id: ID!) { node(id: $id) { id } }"
    assert (await api.ask("bo", query, id=made))["node"] == {"id": made}
    await api.load({"modelVersion": {"id": version("shown"), "visibility": "TEAM", "owners": [RANKING]}})
    assert (await api.ask("bo", query, id=made))["node"] is None
    assert (await api.ask("eli", query, id=made))["node"] == {"id": made}


async def test_an_approval_cannot_be_reverted(api: Api) -> None:
    """Reverting an approval is INVALID, and the message recommends another decision."""
    await register(api, "stays")
    await approve(api, "eli", version("stays"))
    payload = await revert(api, "eli", (await history(api, "eli", version("stays")))[0]["id"])
    assert codes(payload) == ["INVALID"]
    assert "record another with `approve`, such as REVOKED" in payload["errors"][0]["message"]


async def test_an_approval_by_another_team_opens_no_gate_once_the_version_is_back(api: Api) -> None:
    """An engineer of two teams lends a rejected version to the second one, which approves it, and takes it back.

    The gate is closed again, until an approver of its owner approves it.
    """
    await register(api, "lent", 1, riskTier="MEDIUM")
    api.tokens["zoe"] = token(api, "zoe", "ranking", "ads", roles="engineer")
    api.tokens["eva"] = token(api, "eva", "ads", roles="approver")

    async def give(owners: list[dict[str, str]]) -> Any:
        mutation = "mutation ($input: SetOwnersInput!) { setOwners(input: $input) { voidedApprovals errors { code } } }"
        given = {"asset": version("lent"), "owners": owners}
        return (await api.ask("zoe", mutation, input=given))["setOwners"]

    async def missing() -> Any:
        return (await of_version(api, "eli", "lent"))["gate"]["missingApprovals"]

    assert codes(await approve(api, "eli", version("lent"), decision="REJECTED")) == []
    assert await give([ADS]) == {"voidedApprovals": [], "errors": []}
    assert codes(await approve(api, "eli", version("lent"))) == ["DENIED"]
    assert codes(await approve(api, "eva", version("lent"))) == []
    assert await missing() == []
    assert await give([]) == {"voidedApprovals": ["release"], "errors": []}
    assert await missing() == ["release"]
    assert codes(await set_alias(api, "eli", "lent", protected=True)) == ["GATE_BLOCKED"]
    assert codes(await approve(api, "eli", version("lent"))) == []
    assert codes(await set_alias(api, "eli", "lent", protected=True)) == []
