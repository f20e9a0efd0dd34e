"""The explorer in a headless Chromium: it shows what the API returns to its caller, by mouse and by keyboard."""

import csv
import struct
from base64 import b64decode
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from io import StringIO
from typing import Any
from urllib.parse import parse_qs, unquote
from xml.etree import ElementTree as ET

import pytest
from support.documents.explorer_answers import (
    decisions,
    distances,
    expected_causes,
    found_counts,
    idle_assets,
    lineage,
    name_of,
    pixels,
)
from support.documents.explorer_questions import (
    DIFF,
    IMPACT,
    OPEN_PLANS,
    ORIGINS,
    PLAN,
    PLAN_HISTORY,
    SCENE,
    SERVING,
    SOURCES,
    USED,
    WORK,
)
from support.documents.explorer_reverts import compare_reverts
from support.estates.demo_estate import open_demo
from support.servers.explorer_browser import FORMER, MODEL, RANKING, ROOT, SHARED, VERSION, browse
from support.servers.in_process import Api
from support.stores.janusgraph import StoreGraph

from app.auth.personas import personas
from app.http.explorer.explorer_build import build_explorer
from app.settings import Settings

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
async def demo(module_graph: StoreGraph, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    """Return the API over the demo estate, with the explorer of the present sources."""
    build_explorer(Settings.from_env())
    async with open_demo(module_graph, tmp_path_factory.mktemp("keys")) as api:
        yield api


@pytest.fixture(scope="module")
async def report(demo: Api, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return the report of a browser that used the explorer as ada and as bo."""
    return await browse(demo, tmp_path_factory.mktemp("browser"))


async def test_the_lineage_is_that_of_the_api(demo: Api, report: dict[str, Any]) -> None:
    """The first picture has the closest level of both sides; an expansion adds the next level of one asset."""
    first = {**await lineage(demo, "ada", ROOT, "UPSTREAM"), **await lineage(demo, "ada", ROOT, "DOWNSTREAM")}
    assert report["first"] == sorted(first)
    added = set(report["expanded"]) - set(first)
    assert added
    further = [await lineage(demo, "ada", each, "DOWNSTREAM") for each in first]
    assert any(added <= set(each) for each in further)
    assert report["reloaded"] == report["expanded"]
    assert report["selected"] in report["expanded"]


async def test_table_tree_and_file_have_the_content_of_the_picture(report: dict[str, Any]) -> None:
    """The twins of the picture have each of its assets once, in words."""
    rows = [*csv.DictReader(StringIO(report["csv"]))]
    assert sorted(row["Id"] for row in rows) == report["expanded"]
    assert {row["Health"] for row in rows} <= {"HEALTHY", "DEGRADED", "UNHEALTHY", "UNKNOWN"}
    assert report["rows"] == report["items"] == len(rows)


async def test_each_persona_has_an_own_view(demo: Api, report: dict[str, Any]) -> None:
    """Both see the rows that the API returns to them, and the words that a part is hidden; ada reads no name of it."""
    pages = report["pages"]
    assert [page["who"] for page in pages] == ["ada", "bo", "bo"]  # bo in the tab of ada, and in another one
    expected = {who: await lineage(demo, who, SHARED, "DOWNSTREAM", 6) for who in ("ada", "bo")}
    for page in pages:
        assert sorted(page["names"]) == sorted(expected[page["who"]].values())
        assert page["notes"] == ["hidden"]
    assert set(expected["bo"]) - set(expected["ada"])


async def test_a_person_finds_and_understands_an_asset(report: dict[str, Any]) -> None:
    """Search leads to the asset; its page has the health with its causes, whom to ask, and the rights of the caller."""
    assert report["personas"] == [*personas()]
    assert {"Kind", "Owner team", "Stage", "Sensitivity", "Source system"} <= {*report["facets"]}
    assert report["hit"] == report["starred"] == report["asset"]["title"] == "impressions"
    wanted = ["What it is", "Health", "Whom to ask", "Checks over time", "Sensitivity", "Your access", "Changes"]
    assert [card for card in wanted if card not in report["asset"]["cards"]] == []
    rights = ("You may read this asset.", "You may change it, link it, tag it, record its cost, retire it.")
    for text in ("Unhealthy", "freshness_daily", "Ranking", *rights):
        assert text in report["asset"]["text"]


async def test_the_counts_of_a_search_are_explained(demo: Api, report: dict[str, Any]) -> None:
    """The filters count matching assets and versions, and the list has versions under their asset: both are named."""
    listed, counted = await found_counts(demo, "ada", "impressions")
    assert listed < counted
    assert report["count"].startswith(f"{listed} result")
    assert f"The filters count {counted} matching assets" in report["count"]


async def test_a_person_reads_what_a_version_was_made_from(demo: Api, report: dict[str, Any]) -> None:
    """The page of a version has its direct sources, and that of its model the use of its versions, as the API."""
    found = (await demo.ask("ada", ORIGINS, id=VERSION))["asset"]
    assert report["origins"] == [
        [name, [each["displayName"] for each in found[key]["nodes"]]]
        for name, key in (("Trained on", "trainedOn"), ("Features", "features"), ("Builds on", "basedOn"))
    ]
    versions = (await demo.ask("ada", USED, id=MODEL))["asset"]["versions"]["nodes"]
    used = [each["displayName"] for each in versions if each["usage"]["calls"]]
    assert used
    assert [row.split("\t")[0].rpartition(" ")[0].rpartition(" ")[0] for row in report["use"]["rows"]] == used
    assert "Visible to every caller of the organisation" in report["use"]["access"]


async def test_it_works_by_keyboard_alone(report: dict[str, Any]) -> None:
    """From the choice of the persona to an expanded asset of the picture, without a pointer."""
    side, _, opened = report["keyboard"]["opened"].partition(":")
    assert (report["keyboard"]["subject"], side) == ("bo", "down")
    assert report["keyboard"]["selected"] == opened
    assert datetime.fromisoformat(report["keyboard"]["then"]) < datetime.now(UTC)
    assert report["keyboard"]["starts"] == [opened]
    # The box in focus has its whole name beside the picture, and for a screen reader.
    name = report["named"]["whole"].partition("\n")[0].strip()
    assert name
    assert report["named"]["label"].startswith(name)


async def test_the_start_page_has_the_own_work(demo: Api, report: dict[str, Any]) -> None:
    """Ada finds what is unhealthy in her team, and eli the version that waits for an approval, as the API has them."""
    for who in ("ada", "eli"):
        found = await demo.ask(who, WORK)
        work, teams = found["myWork"], [each["id"] for each in found["viewer"]["teams"]]
        shown = report["work"][who]
        assert shown["Unhealthy assets of my teams"] == [each["displayName"] for each in work["unhealthy"]["nodes"]]
        waiting = [each[key]["displayName"] for each in work["approvals"]["nodes"] for key in ("version", "model")]
        assert shown["Approvals that wait for me"] == waiting
        assert shown["Not used for 90 days"] == (await idle_assets(demo, who, teams, 90))[0][:10]
        names = {asset["displayName"] for each in work["incidents"]["nodes"] for asset in each["assets"]}
        assert set(shown["Open incidents of my teams"]) <= names
        assert bool(names) == bool(shown["Open incidents of my teams"])
    assert report["work"]["ada"]["Unhealthy assets of my teams"]
    assert report["work"]["eli"]["Approvals that wait for me"]


async def test_the_blast_radius_is_that_of_all_marked_assets(demo: Api, report: dict[str, Any]) -> None:
    """Its file has each affected asset of the union with its owner team, and its page the teams to inform."""
    blast = report["blast"]
    assert sorted(blast["starts"]) == sorted(blast["marked"])
    impact = (await demo.ask("ada", IMPACT, roots=blast["marked"]))["impact"]
    rows = [*csv.DictReader(StringIO(blast["csv"]))]
    assert rows
    assert {row["Id"]: row["Owner team"] for row in rows} == {
        each["asset"]["id"]: (each["asset"]["ownerTeam"] or {}).get("displayName", "")
        for each in impact["assets"]["nodes"]
    }
    assert blast["teams"] == [each["team"]["displayName"] for each in impact["teams"]]
    assert blast["title"].startswith(f"{impact['total']} asset")
    assert any("TECHNICAL" in row["Owners"] for row in rows)


async def test_two_versions_are_compared(demo: Api, report: dict[str, Any]) -> None:
    """The table has the differences that the API returns, and the picture has the new version in place of the old."""
    found = (await demo.ask("ada", DIFF, before=[FORMER], after=[VERSION]))["lineageDiff"]
    versions = report["versions"]
    assert versions["link"] == FORMER
    assets = [row[1:] for row in versions["rows"] if row[0] == "asset"]
    assert assets == [[each["change"], name_of(each)] for each in found["nodes"]]
    assert [row[1] for row in versions["rows"] if row[0] == "edge"] == [each["change"] for each in found["edges"]]
    assert VERSION in {*versions["signs"]["changed"], *versions["signs"]["added"]}


async def test_two_instants_are_compared(report: dict[str, Any]) -> None:
    """What was linked since is marked as added, and what was unlinked as ended; the start is in both."""
    added, ended = "mlg://dataset/test/live/after", "mlg://dataset/test/live/gone"
    assert report["instants"] == {"added": [added], "ended": [ended], "changed": []}


async def test_pictures_are_files_that_need_no_page(report: dict[str, Any]) -> None:
    """The SVG has each asset in words, a caption, and no style sheet; the PNG has pixels of many colours."""
    root = ET.fromstring(report["svg"])  # noqa: S314 - the page of this test wrote it
    texts = ["".join(each.itertext()) for each in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "Lineage of impressions" in texts[0]
    assert texts.count("impressions") == 1
    boxes = [each for each in root.iter("{http://www.w3.org/2000/svg}rect") if each.get("width") == "208"]
    assert len(boxes) >= len(report["expanded"])
    assert [each for each in root.iter() if each.get("class") or each.get("style")] == []
    assert "var(" not in report["svg"]
    content = b64decode(report["png"])
    size = (int(root.get("width", "0")), int(root.get("height", "0")))
    assert content.startswith(b"\x89PNG\r\n")
    assert struct.unpack(">II", content[16:24]) == (2 * size[0], 2 * size[1])
    assert len(set(pixels(content))) > 20


async def test_a_large_lineage_is_rolled_up_by_the_server(demo: Api, report: dict[str, Any]) -> None:
    """Groups have the counts of the API, open by mouse and by keyboard, and show what is hidden, cut or did not fit."""
    large = report["large"]
    scene = (await demo.ask("ada", SCENE, roots=[large["root"]]))["scene"]
    counts = {group["key"]: group["count"] for group in scene["groups"]}
    # As it was loaded: 330 data sets and 12 models beside the first one, and the start and one more data set.
    assert counts == {"LEVEL=1 KIND=DATASET": 330, "LEVEL=1 KIND=MODEL": 12}
    assert scene["total"] == 344
    assert large["groups"] == sorted([*counts, *(each["asset"]["id"] for each in scene["elements"])])
    assert [label.split(" ")[0] for label in large["labels"]] == ["330", "12"]
    assert large["notes"] == ["rolled", "complete", "hidden", "cut"]
    assert large["opened"]["link"] == ["LEVEL=1 KIND=MODEL"]
    assert large["opened"]["models"] == [f"mlg://model/test/large/model-{number:02}" for number in range(12)]
    assert [text for text in large["gaps"] if "hidden from you" in text]
    assert large["focused"].startswith("mlg://dataset/test/large/spoke-")
    assert "the rest did not fit" in large["rest"]


async def test_a_large_lineage_has_its_twins(report: dict[str, Any]) -> None:
    """Table, tree and file have each group and each listed asset; the counts of the file are those of all assets."""
    large = report["large"]
    rows = [*csv.DictReader(StringIO(large["csv"]))]
    assert len(rows) == large["rows"]
    assert sum(int(row["Assets"]) for row in rows) == 344
    assert {row["Id"] for row in rows if int(row["Assets"]) > 1} == {"LEVEL=1 KIND=DATASET", "LEVEL=1 KIND=MODEL"}
    assert any(row["May be missing"] for row in rows)
    assert any(row["Comes from"] == "hub" for row in rows)
    assert large["teams"] == ["Ads · 200", "without an owner team · 142"]
    assert large["listed"] == large["reloaded"] == 202  # the team, the start, and what is alone on its level
    assert large["items"] == large["listed"] + 1


async def test_an_alert_leads_to_its_root_cause(demo: Api, report: dict[str, Any]) -> None:
    """The board has each cause with all that is affected, and leads to its owners, lineage and blast radius."""
    mouse, keyboard = report["night"]["mouse"], report["night"]["keyboard"]
    own = await expected_causes(demo, "ada", ownerTeams=[RANKING])
    assert {each["asset"]: set(each["affected"]) for each in mouse["causes"]} == own
    first = mouse["causes"][0]
    assert (first["root"], first["asset"]) == (True, "impressions")
    assert "freshness_daily" in first["problems"]
    # The levels are those of the blast radius; a model that it knows by its versions only has none.
    known = await distances(demo, "ada", ROOT)
    levels = {unquote(urn): words for urn, words in first["levels"]}
    assert levels == {urn: known.get(urn, "through its versions") for urn in levels}
    assert len(levels.keys() & known.keys()) > 1
    assert "Ranking" in mouse["ask"]
    assert mouse["teams"]
    assert ROOT in mouse["lineage"]
    assert mouse["asset"]["title"] == "impressions"
    assert "Ranking" in mouse["asset"]["ask"]
    everywhere = await expected_causes(demo, "bo", kinds=["SERVICE"])
    assert {each["asset"]: set(each["affected"]) for each in keyboard["causes"]} == everywhere
    assert keyboard["title"] == keyboard["causes"][0]["asset"]


async def test_the_boards_have_what_the_api_returns(demo: Api, report: dict[str, Any]) -> None:
    """Idle assets, models of medium risk where they serve now, and events that came in and that did not."""
    boards = report["boards"]
    idle, total = await idle_assets(demo, "ada", [RANKING], 30)
    assert [row[0] for row in boards["idle"]["rows"]] == idle
    assert idle
    assert boards["idle"]["words"].startswith(str(total))
    same, (_, count) = boards["idle"]["same"], await idle_assets(demo, "ada", [RANKING], 90)
    assert same["work"] == f"Not used for 90 days · {count}"
    assert same["board"].startswith(f"{count} asset")
    expected: dict[str, set[str]] = {}
    for each in (await demo.ask("ada", SERVING))["assets"]["nodes"]:
        version = each["modelVersion"]
        if each["status"] == "ACTIVE" and version and version["model"]["riskTier"] == "MEDIUM":
            expected.setdefault(version["model"]["displayName"], set()).add(version["displayName"])
    assert {name: set(versions) for name, versions in boards["models"].items()} == expected
    assert expected
    received = boards["received"]
    assert received["statuses"] == [201, 400]
    assert sorted(received["states"]) == ["REJECTED", "WRITTEN"]
    assert received["tiles"] == ["1", "0", "0", "1"]
    assert "shop.daily" in received["detail"]
    assert ["INVALID: inputs" in row[1] for row in received["rejected"]] == [True]
    assert received["absent"].startswith("It does not exist or is not visible to you.")


async def test_the_page_of_an_asset_has_the_sources_of_its_events(demo: Api, report: dict[str, Any]) -> None:
    """It has the alarms of the API in words, leads to the events behind one, and says that no event came."""
    shown = report["boards"]["sources"]
    (source,) = (await demo.ask("root", SOURCES, id="mlg://dataset/postgres/db%3A5432/shop.daily"))["asset"]["sources"]
    assert shown["named"] == [source["source"]]
    assert [each["reason"] for each in source["alarms"]] == ["REJECTED"]
    words = (source["source"], source["producer"], "Rejected events", source["alarms"][0]["ingestion"]["reason"])
    assert [each for each in words if each not in shown["text"]] == []
    assert shown["states"] == ["REJECTED"]
    assert "No event of the last 30 days" in shown["none"]


async def test_an_approval_is_given_where_it_waits(demo: Api, report: dict[str, Any]) -> None:
    """Eli approves what eli read, by keyboard in the own work and by mouse at the gate; an engineer has no button."""
    shown = report["approvals"]
    digest, given = await decisions(demo, "eli", VERSION)
    assert shown["engineer"] == 0
    for text in (VERSION, "champion", digest):
        assert text in shown["facts"]
    assert shown["changed"].startswith("The version changed since you opened this page, so nothing was approved.")
    assert "read again" in shown["reread"]
    assert "homepage-ranker" not in shown["left"]
    assert "The approval release of " in shown["said"]
    steps = [("REVOKED", None), ("APPROVED", None), ("REVOKED", None), ("APPROVED", "A week in the shadow.")]
    assert given == [("release", *step) for step in steps]
    assert "A week in the shadow." in shown["listed"]


async def test_a_change_is_planned_from_its_blast_radius(demo: Api, report: dict[str, Any]) -> None:
    """The form refuses what the API refuses; the page has the impact and the teams of the plan that it made."""
    shown = report["plan"]
    urn = parse_qs(shown["link"].partition("?")[2])["id"][0]
    plan = (await demo.ask("ada", PLAN, id=urn))["changePlan"]
    assert shown["refused"].startswith("`deadline` has passed")
    assert (plan["title"], plan["description"]) == (shown["before"]["title"], "It is empty since January.")
    assert datetime.fromisoformat(plan["deadline"]).year == 2099
    assert shown["before"]["impact"] == f"{plan['impact']['total']} assets"
    assert [*shown["before"]["teams"]] == [each["team"]["id"] for each in plan["status"]["teams"]]
    assert {*shown["before"]["teams"].values()} == {"Not acknowledged"}
    assert (shown["before"]["state"], shown["before"]["notes"]) == ("Open", ["complete"])
    assert shown["before"]["words"] == f"{len(plan['status']['teams'])} teams have not acknowledged it."
    services = [each["asset"]["displayName"] for each in plan["impact"]["services"]["nodes"]]
    assert [name.strip() for name in shown["services"]] == services
    assert shown["rows"] < plan["impact"]["total"]  # the next page came with a button


async def test_a_team_acknowledges_a_plan_and_its_author_closes_it(demo: Api, report: dict[str, Any]) -> None:
    """Eli finds the plan in the own work and objects by keyboard; ada sees it at once, and closes the plan."""
    shown = report["plan"]
    urn = parse_qs(shown["link"].partition("?")[2])["id"][0]
    plan = (await demo.ask("ada", PLAN, id=urn))["changePlan"]
    assert "waits for Ranking" in shown["waiting"]
    assert (shown["chosen"], shown["overflow"]) == ("Ranking", 0)
    decided = {each["team"]["id"]: each["acknowledgement"] for each in plan["status"]["teams"]}
    objection = {"decision": "OBJECTED", "reason": "The dashboard reads it.", "by": "eli"}
    assert {team: given for team, given in decided.items() if given} == {RANKING: objection}
    assert shown["objected"]["state"] == shown["objected"]["teams"][RANKING] == "Objected"
    assert "The dashboard reads it." in shown["comment"]
    assert (plan["outcome"], plan["status"]["state"]) == ("WITHDRAWN", "CLOSED")
    assert (shown["closed"]["state"], shown["closed"]["forms"], shown["focused"]) == ("Closed", 0, "H1")
    assert urn not in shown["open"]
    assert [line for id_, line in shown["listed"] if id_ == urn and "Withdrawn: closed by ada" in line]
    assert shown["ofAsset"]["link"] == f"#{shown['link'].partition('#')[2].partition('&')[0]}"
    for text in ("Objected", plan["title"], "Acknowledgements are expected in"):
        assert text in shown["ofAsset"]["open"]
    assert "No open plan changes this asset" in shown["ofAsset"]["closed"]
    assert "Withdrawn: closed by ada" in shown["ofAsset"]["closed"]
    assert shown["ofAsset"]["overflow"] == 0
    steps = [each["action"] for each in (await demo.ask("ada", PLAN_HISTORY, id=ROOT))["changes"]["nodes"]]
    assert steps[:3] == ["PLAN_CLOSED", "ACKNOWLEDGED", "PLANNED"]


async def test_a_plan_names_the_gaps_of_its_impact(demo: Api, report: dict[str, Any]) -> None:
    """Hidden and cut are different notes; the plan is not ready, and overdue after its deadline."""
    shown = report["incomplete"]
    (plan,) = [
        each for each in (await demo.ask("ada", OPEN_PLANS))["changePlans"]["nodes"] if each["title"] == "Move it"
    ]
    assert (plan["status"]["complete"], shown["state"]) == (False, "Open")
    assert (shown["impact"], shown["teams"], shown["notes"]) == ("1 asset", {}, ["hidden", "cut"])
    assert "it is not ready for you" in shown["words"]
    assert shown["overdue"] == "Overdue: the deadline was 1 hour ago"


async def test_rights_are_explained_and_changes_are_reverted(demo: Api, report: dict[str, Any]) -> None:
    """Ada reads why she may, tries, is refused after a later change, reverts, and deletes by keyboard; bo may not."""
    await compare_reverts(demo, report["reverts"])


async def test_it_shows_changes_as_they_happen(report: dict[str, Any]) -> None:
    """An edge that another caller declares appears in the picture without a request of its reader."""
    ids = [f"mlg://dataset/test/live/{name}" for name in ("after", "before", "gone")]
    assert (report["before"], report["after"]) == (ids[1:], ids)


async def test_it_is_accessible(report: dict[str, Any]) -> None:
    """Axe finds nothing serious on any page, light, dark and small; a small screen does not scroll sideways."""
    assert report["axe"] == []
    assert report["overflow"] <= 0


async def test_it_keeps_its_policy_and_no_token(report: dict[str, Any]) -> None:
    """The page requests its own server only, breaks no rule of its policy, reports no error, and stores no token."""
    assert {*report["hosts"]} == {report["base"]}
    assert (report["violations"], report["errors"]) == ([], [])
    assert [part for part in report["stored"] if "eyJ" in part or report["key"] in part] == []
    assert report["tab"] == ["mlg-graphiql-key", "mlg-persona"]
