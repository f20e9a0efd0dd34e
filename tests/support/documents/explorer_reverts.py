"""The story of rights and reverts in a browser (stories.mjs): what its pages show, and what the API has afterwards."""

from typing import Any

from support.servers.in_process import Api

MISTAKEN = "mlg://dataset/test/reverts/mistaken"
"""The asset of the story, which its script registers."""

REVERTED = """query ($id: ID!) { asset(id: $id) {
  deletedAt description history(first: 2) { nodes { action actor reason } }
} }"""


async def compare_reverts(api: Api, shown: dict[str, Any]) -> None:
    """Compare what two personas saw with the sentences that they should read, and with the API."""
    assert shown["may"]["changes"] == [["Updated", ["Revert…"]], ["Registered", ["Revert…"]]]
    assert "You may change it, link it, tag it, record its cost, because one of these applies:" in shown["may"]["text"]
    assert "To approve it you lack what one of these rules asks for:" in shown["may"]["text"]
    assert ("writes-team" in shown["may"]["text"], "writes-promote" in shown["may"]["text"]) == (True, True)
    assert ["description", "wrong", "right"] in shown["trial"]
    assert shown["may"]["description"] == shown["untouched"] == "wrong"
    assert "changed again after" in shown["refused"]
    assert "It was wrong." in shown["reverted"]["newest"]
    assert (shown["reverted"]["focused"], shown["reverted"]["open"]) == ("The change was reverted.", 0)
    assert shown["warned"].startswith("This deletes mistaken")
    assert (shown["confirms"], shown["deleted"]["buttons"]) == ("Delete this asset", 1)
    assert shown["deleted"]["note"].startswith("Deleted on")
    assert [buttons for _, buttons in shown["mayNot"]["changes"]] == [[]] * 5
    assert (
        "you lack the scope graph:write in your token, and what one of these rules asks for:" in shown["mayNot"]["text"]
    )
    asset = (await api.ask("ada", REVERTED, id=MISTAKEN))["asset"]
    assert asset["deletedAt"]
    assert asset["description"] == "wrong"
    made = [(each["action"], each["actor"], each["reason"]) for each in asset["history"]["nodes"]]
    assert made[:2] == [("REVERTED", "ada", "Not ours."), ("REVERTED", "ada", "It was wrong.")]
