"""Reasons of rights disclose nothing about an asset that the policy hides from the viewer."""

from typing import Any

from support.servers.in_process import Api

OWNED = [{"owner": "mlg://team/catalog/default/ranking"}]
RIGHTS = """query ($id: ID!, $asOf: DateTime) { asset(id: $id, asOf: $asOf) { viewerAccess { grade because
  canUpdate canPromote canRetire rights { action allowed permittedBy forbiddenBy needs denial restriction } } } }"""


async def test_reasons_disclose_nothing_hidden(api: Api) -> None:
    """The reasons of rights on a draft are the same whatever its hidden sensitivity, owner, domain and tags are.

    A hidden asset has as many reasons as an absent one.
    """
    person, domain = "mlg://user/catalog/default/uma", "mlg://domain/catalog/default/commerce"
    drafts: dict[str, dict[str, Any]] = {
        "of-a-person": {"owners": [{"owner": person}], "sensitivity": "PUBLIC"},
        "in-a-domain": {"domain": domain},
        "of-nobody": {"tags": ["mlg://tag/catalog/default/gold"], "description": "canary-reason"},
    }
    ids = {name: f"mlg://dataset/test/default/{name}" for name in (*drafts, "shut", "absent")}
    await api.load(
        {"user": {"name": "uma"}},
        {"domain": {"name": "commerce"}},
        {"tag": {"name": "gold", "tagKind": "FREE"}},
        *({"dataset": {"id": ids[name], "stage": "DRAFT", **each}} for name, each in drafts.items()),
        {"dataset": {"id": ids["shut"], "owners": OWNED, "visibility": "TEAM"}},
    )
    found = [await api.ask("bo", RIGHTS, id=ids[name]) for name in drafts]
    assert found[0] == found[1] == found[2]
    assert found[0]["asset"]["viewerAccess"]["grade"] == "DISCOVER"
    assert (
        await api.ask("bo", RIGHTS, id=ids["shut"]) == await api.ask("bo", RIGHTS, id=ids["absent"]) == {"asset": None}
    )
    assert await api.count("bo", RIGHTS, id=ids["shut"]) == await api.count("bo", RIGHTS, id=ids["absent"])
