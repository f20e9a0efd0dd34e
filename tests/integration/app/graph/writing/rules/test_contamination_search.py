"""A gate that needs uncontaminated evaluations, as reported to readers and applied when an alias moves.

Random estates are compared in tests/integration/app/graph/reading/lineage/test_contamination_walk.py.
"""

from typing import Any

import pytest
from support.estates.leak_catalogue import token
from support.estates.owned_items import owned, team, urn
from support.estates.promotions import SET
from support.estates.promotions import VERSION as REPORT
from support.servers.in_process import open_api
from support.stores.janusgraph import StoreGraph

from policies.installation.disclosure import Disclosure
from policies.installation.gates import Gate, Gates, Needs


async def test_a_gate_needs_uncontaminated_evaluations(
    module_graph: StoreGraph, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gate names each evaluation of the team that is not CLEAN and opens when the last one is retired.

    Data that is hidden from the promoter closes it too, unless the policy discloses nothing of what is hidden.
    """
    gates = Gates((Gate("clean", Needs(uncontaminated=True)),))
    monkeypatch.setattr("app.runtime.process.load_gates", lambda *_: gates)
    model, version, shut = urn("model", "ads"), urn("model-version", "ads@1"), urn("dataset", "shut")
    bad, good = urn("evaluation", "ads-bad"), urn("evaluation", "ads-good")
    async with open_api(module_graph, tmp_path_factory.mktemp("keys")) as opened:
        opened.tokens["approver"] = token(opened, "approver", "ads", roles="reader approver")
        await opened.load(
            *(owned("dataset", f"ads-{name}", by="ads") for name in ("train", "test")),
            owned("dataset", "shut", visibility="TEAM"),
            owned("model", "ads", by="ads"),
            owned("model-version", "ads@1", by="ads", trainedOn=[urn("dataset", "ads-train")]),
            owned("evaluation", "ads-bad", by="ads", modelVersion=version, evaluatedOn=[urn("dataset", "ads-train")]),
            owned("evaluation", "ads-good", by="ads", modelVersion=version, evaluatedOn=[urn("dataset", "ads-test")]),
            owned("evaluation", "ads-strange", modelVersion=version, evaluatedOn=[urn("dataset", "ads-train")]),
        )

        async def move() -> Any:
            given = {"model": model, "version": version, "alias": "champion", "protected": True}
            payload = (await opened.ask("approver", SET, input=given))["setAlias"]
            report = (await opened.ask("approver", REPORT, id=version, alias="champion"))["asset"]["gate"]
            assert payload["gate"] == report
            return payload

        closed = await move()
        assert closed["gate"]["contaminatedEvaluations"] == [{"id": bad}]
        assert f"has the evaluation {bad}, which is not known to be uncontaminated" in closed["errors"][0]["message"]
        await opened.load(owned("evaluation", "ads-bad", by="ads", stage="RETIRED"))
        assert ((await move())["errors"], (await move())["gate"]["open"]) == ([], True)
        await opened.load({"link": {"relation": "DERIVES", "from": shut, "to": urn("dataset", "ads-test")}})
        assert (await move())["gate"]["contaminatedEvaluations"] == [{"id": good}]
    monkeypatch.setattr("app.runtime.process.load_disclosure", lambda: Disclosure.NONE)
    async with open_api(module_graph, tmp_path_factory.mktemp("keys")) as opened:
        opened.tokens["approver"] = token(opened, "approver", "ads", roles="reader approver")
        assert (await move())["gate"]["open"]


async def test_the_contamination_of_a_hidden_evaluation_decides(
    module_graph: StoreGraph, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Evaluations of a confidential version by evaluators are hidden from its promoter, and so are their data.

    The move is closed by the one on training data, and open once it is retired, although the other one is hidden too.
    """
    gates = Gates((Gate("clean", Needs(uncontaminated=True, evaluators=frozenset({team("safety")}))),))
    monkeypatch.setattr("app.runtime.process.load_gates", lambda *_: gates)
    model, version = urn("model", "secret"), urn("model-version", "secret@1")
    train, test = urn("dataset", "secret-train"), urn("dataset", "secret-test")
    bad, good = urn("evaluation", "secret-bad"), urn("evaluation", "secret-good")
    async with open_api(module_graph, tmp_path_factory.mktemp("keys")) as opened:
        opened.tokens["approver"] = token(opened, "approver", "ads", roles="reader approver")
        await opened.load(
            *(owned("dataset", f"secret-{name}", by="safety", visibility="TEAM") for name in ("train", "test")),
            owned("model", "secret", by="ads"),
            owned("model-version", "secret@1", by="ads", trainedOn=[train], sensitivity="CONFIDENTIAL"),
            owned("evaluation", "secret-bad", by="safety", modelVersion=version, evaluatedOn=[train]),
            owned("evaluation", "secret-good", by="safety", modelVersion=version, evaluatedOn=[test]),
        )

        async def move() -> Any:
            given = {"model": model, "version": version, "alias": "champion", "protected": True}
            payload = (await opened.ask("approver", SET, input=given))["setAlias"]
            assert [each for each in (bad, good, train, test) if each in str(payload)] == []
            assert payload["gate"]["contaminatedEvaluations"] == payload["gate"]["failingEvaluations"] == []
            return payload["gate"]["open"], [error["code"] for error in payload["errors"]]

        nodes = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
        assert (await opened.ask("approver", nodes, ids=[bad, good]))["nodes"] == [None, None]
        assert await move() == (False, ["GATE_BLOCKED"])
        await opened.load(owned("evaluation", "secret-bad", by="safety", stage="RETIRED"))
        assert await move() == (True, [])
