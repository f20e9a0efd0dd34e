"""A field that an asset hides stays hidden where other assets name the asset."""

from support.servers.in_process import Api

OWNED = [{"owner": "mlg://team/catalog/default/ranking"}]
DRAFT, DERIVED = (f"mlg://dataset/test/default/{name}" for name in ("draft", "derived"))
SENSITIVE = "mlg://tag/catalog/default/sensitive"
TAGS = "query ($id: ID!) { asset(id: $id) { tags { tag { id } via { id } } } }"


async def test_a_draft_is_not_shown_as_the_origin_of_a_tag(api: Api) -> None:
    """A draft hides its tags from other teams, also where one of them arrived; its own team reads the origin."""
    await api.load(
        {"team": {"name": "ranking"}},
        {"tag": {"name": "sensitive", "tagKind": "PII", "propagates": True}},
        {"dataset": {"id": DRAFT, "owners": OWNED, "stage": "DRAFT", "tags": [SENSITIVE]}},
        {"dataset": {"id": DERIVED, "owners": OWNED, "derivedFrom": [DRAFT]}},
    )
    await api.wait_for_jobs()
    shown = {who: (await api.ask(who, TAGS, id=DERIVED))["asset"]["tags"] for who in ("bo", "ada")}
    assert shown == {
        "bo": [{"tag": {"id": SENSITIVE}, "via": None}],
        "ada": [{"tag": {"id": SENSITIVE}, "via": {"id": DRAFT}}],
    }
