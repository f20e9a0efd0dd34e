"""`mlg import datahub`, against an oracle made from the raw files by an independent script (expected.json)."""

import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import networkx as nx
import pytest
from graphql import GraphQLInputObjectType
from graphql.utilities import coerce_input_value
from support.estates.showcase import EXPECTED, FILES, SHOWCASE
from support.estates.without_ids import CONTESTED, records_of, records_without_ids
from support.servers.contract_server import ContractServer
from typer.testing import CliRunner

from app.cli.command_line import commands
from app.ingest.load.batches import ImportItem, ItemResult
from app.ingest.sources.datahub.aspect_files import Estate, read_estate
from app.ingest.sources.datahub.mapping import map_estate
from app.ingest.sources.datahub.names import Names
from graphql_schema.ports.record import Record

COUNTS = EXPECTED["counts"]

RELATIONS = {
    ("dataset", "dataset"): "DERIVES",
    ("dataset", "dataJob"): "INPUT_TO",
    ("dataJob", "dataset"): "PRODUCES",
    ("dataset", "dataProcessInstance"): "INPUT_TO",
    ("dataProcessInstance", "mlModel"): "PRODUCES",
    ("dataset", "mlFeature"): "DERIVES",
    ("mlFeature", "mlModel"): "FEEDS",
    ("mlModel", "mlModelDeployment"): "DEPLOYED_AS",
    ("dataset", "chart"): "FEEDS",
    ("dataset", "dashboard"): "FEEDS",
    ("chart", "dashboard"): "FEEDS",
}
"""The catalog's relation of each pair of foreign types, written by hand from section 3.2 of the design."""

INWARD = {
    ("dataset", "derivedFrom"): "DERIVES",
    ("feature", "derivedFrom"): "DERIVES",
    ("workflow", "inputs"): "INPUT_TO",
    ("run", "inputs"): "INPUT_TO",
    ("modelVersion", "trainingRun"): "PRODUCES",
    ("modelVersion", "features"): "FEEDS",
    ("deployment", "modelVersion"): "DEPLOYED_AS",
    ("report", "inputs"): "FEEDS",
}
OUTWARD = {("workflow", "outputs"): "PRODUCES", ("run", "outputs"): "PRODUCES"}


def values(entries: list[ImportItem | ItemResult]) -> list[Record]:
    """Return the items among some entries."""
    return [entry.value for entry in entries if isinstance(entry, ImportItem)]


class Emitted:
    """The items of the showcase, read by plain Python with the fields of the schema."""

    def __init__(self) -> None:
        self.estate = read_estate(FILES)
        self.items = values(map_estate(self.estate))
        self.bodies = {body["id"]: body for item in self.items for body in item.values() if "id" in body}
        self.foreign = {
            urn: detail["value"]
            for urn, body in self.bodies.items()
            for detail in body["properties"]
            if detail["key"] == "datahub.urn"
        }
        self.lineage: nx.MultiDiGraph[str] = nx.MultiDiGraph()
        for item in self.items:
            ((kind, body),) = item.items()
            for field, value in body.items():
                for other in [value] if isinstance(value, str) else value if isinstance(value, list) else []:
                    if (kind, field) in INWARD:
                        self._edge(other, body["id"], INWARD[kind, field])
                    if (kind, field) in OUTWARD:
                        self._edge(body["id"], other, OUTWARD[kind, field])

    def _edge(self, source: str, target: str, relation: str) -> None:
        assert not self.lineage.has_edge(source, target, relation)
        self.lineage.add_edge(source, target, relation)

    def type_of(self, urn: str) -> str:
        """Return the foreign type; the two nodes without a record are datasets by their URN."""
        return self.foreign[urn].split(":")[2] if urn in self.foreign else urn.split("/")[2]


@pytest.fixture(scope="module")
def emitted() -> Emitted:
    """Map the showcase once."""
    return Emitted()


def test_every_item_is_an_input_of_the_contract(emitted: Emitted, asset_input: GraphQLInputObjectType) -> None:
    """Each item coerces to AssetInput, so the API rejects none of them for its shape."""
    for item in emitted.items:
        coerce_input_value(item, asset_input)


def test_the_lineage_has_exactly_the_expected_nodes_and_edges(emitted: Emitted) -> None:
    """133 nodes and 231 edges, by type of node and by pair of types, each with the relation of the catalog."""
    graph = emitted.lineage
    assert graph.number_of_nodes() == COUNTS["lineage_nodes"] == 133
    assert graph.number_of_edges() == COUNTS["lineage_edges"] == 231
    assert Counter(map(emitted.type_of, graph)) == COUNTS["lineage_nodes_by_type"]
    pairs = Counter((emitted.type_of(a), emitted.type_of(b), relation) for a, b, relation in graph.edges(keys=True))
    assert {f"{a} -> {b}": number for (a, b, _), number in pairs.items()} == COUNTS["lineage_edges_by_type"]
    assert all(RELATIONS[a, b] == relation for a, b, relation in pairs)


def test_quirks_survive(emitted: Emitted) -> None:
    """The self-loop stays, and the two nodes without a record are references only."""
    graph = emitted.lineage
    assert [emitted.foreign[urn] for urn in nx.nodes_with_selfloops(graph)] == EXPECTED["quirks"]["self_loops"]
    names = Names(Estate())
    stubs = {names.urn(foreign) for foreign in EXPECTED["quirks"]["lineage_nodes_without_record"]}
    assert {urn for urn in graph if urn not in emitted.foreign} == stubs


@pytest.mark.parametrize("foreign", EXPECTED["named_entities"])
def test_named_entities_have_their_neighbours_owners_and_closures(emitted: Emitted, foreign: str) -> None:
    """Depth 1 and the full closure, both ways, and the owners, of the six entities that the oracle names."""
    expected, graph = EXPECTED["named_entities"][foreign], emitted.lineage
    names = {other: urn for urn, other in emitted.foreign.items()}
    urn = names[foreign]

    def back(urns: Any) -> list[str]:
        return sorted(emitted.foreign.get(one, "stub") for one in urns if one != urn)

    stubs = EXPECTED["quirks"]["lineage_nodes_without_record"]
    for direction, near, far in (
        ("upstream", graph.predecessors, nx.ancestors),
        ("downstream", graph.successors, nx.descendants),
    ):
        for depth, found in (("depth_1", near(urn)), ("full", far(graph, urn))):
            wanted = ["stub" if one in stubs else one for one in expected[direction][depth]]
            assert back(found) == sorted(wanted)
    owners = {emitted.foreign[one["owner"]] for one in emitted.bodies[urn].get("owners", [])}
    assert owners == set(expected["owners"])


def test_models_are_versions_of_their_groups(emitted: Emitted) -> None:
    """Version, group, features, training run, metrics, deployments and owners of the five models."""
    by_foreign = {foreign: emitted.bodies[urn] for urn, foreign in emitted.foreign.items()}
    for foreign, expected in EXPECTED["models"].items():
        body = by_foreign[foreign]
        (group,) = expected["group"]
        assert body["id"] == by_foreign[group]["id"].replace("//model/", "//model-version/") + f"@{expected['version']}"
        assert len(body["features"]) == expected["feature_count"]
        assert [emitted.foreign[body["trainingRun"]]] == expected["training_runs"]
        assert {one["name"]: one["value"] for one in body["metrics"]} == {
            name: float(value) for name, value in expected["training_metrics"].items()
        }
        deployed = [emitted.foreign[one] for one in emitted.lineage.successors(body["id"])]
        assert sorted(deployed) == sorted(expected["deployments"])
        assert [emitted.foreign[one["owner"]] for one in body["owners"]] == expected["owners"]


def test_ownership_is_carried_or_counted(emitted: Emitted) -> None:
    """Owners by foreign type are those of the oracle; one owner with two types keeps both; the rest is reported."""
    pairs: dict[str, set[tuple[str, str]]] = defaultdict(set)
    twice = 0
    for urn, body in emitted.bodies.items():
        owners = [one["owner"] for one in body.get("owners", [])]
        twice += len(owners) > len(set(owners))
        pairs[emitted.type_of(urn)] |= {(urn, owner) for owner in owners}
    carried = {kind: len(found) for kind, found in pairs.items() if found}
    homeless = {"container", "corpGroup", "dataProduct", "glossaryNode", "glossaryTerm", "tag"}
    expected = COUNTS["ownership_edges_by_type"]
    assert carried == {kind: number for kind, number in expected.items() if kind not in homeless}
    assert twice == 1
    kinds = Counter(one["ownership"] for urn in emitted.bodies if emitted.type_of(urn) == "dataset"
                    for one in emitted.bodies[urn].get("owners", []))  # fmt: skip
    assert kinds == {"TECHNICAL": 24 + 4, "BUSINESS": 17, "STEWARD": 6}
    _, skipped = emitted.estate.coverage()
    assert all(skipped[f"{kind}/ownership"] for kind in homeless)


def test_columns_carry_their_lineage(emitted: Emitted) -> None:
    """839 column edges, and the closure of the named column, both from ``columns[].derivedFrom``."""
    graph: nx.DiGraph[tuple[str, str]] = nx.DiGraph()
    names = Names(Estate())
    for urn, body in emitted.bodies.items():
        for column in body.get("columns", []):
            for source in column.get("derivedFrom", []):
                graph.add_edge((source["dataset"], source["column"]), (urn, column["name"]))
    assert graph.number_of_edges() == COUNTS["column_edges"] == 839
    assert graph.number_of_nodes() == COUNTS["column_nodes"] == 873
    named = EXPECTED["named_column"]

    def node(field: str) -> tuple[str | None, str]:
        inner, column = field.removeprefix("urn:li:schemaField:(").removesuffix(")").rsplit(",", 1)
        return names.urn(inner), column

    start = node(named["urn"])
    assert nx.descendants(graph, start) - {start} == {node(field) for field in named["downstream_columns"]}
    pairs = {(source, target) for (source, _), (target, _) in graph.edges}
    assert all(emitted.lineage.has_edge(*pair) for pair in pairs)


def test_tags_domains_members_and_parts(emitted: Emitted) -> None:
    """Tags and terms, domains and their tree, group members, steps and features: the oracle's numbers."""
    relations, bodies = COUNTS["other_relations"], emitted.bodies
    of_products = {"tag": 5, "term": 2, "domain": 5}
    tags = sum(len(body.get("tags", [])) for body in bodies.values())
    classified = relations["asset has tag"] + relations["asset has glossaryTerm"]
    assert tags == classified - of_products["tag"] - of_products["term"]
    assert sum("domain" in body for body in bodies.values()) == relations["asset in domain"] - of_products["domain"]
    domains = [item["domain"] for item in emitted.items if "domain" in item]
    assert sum("parent" in body for body in domains) == relations["domain in domain"]
    members = sum(len(body.get("members", [])) for body in bodies.values())
    assert members == relations["corpuser member of corpGroup"]
    assert sum("partOf" in body for body in bodies.values()) == relations["dataJob in dataFlow"]
    sets = [item["featureSet"] for item in emitted.items if "featureSet" in item]
    assert sum(len(body["features"]) for body in sets) == relations["mlFeatureTable contains mlFeature"]


def test_no_aspect_is_dropped_in_silence(emitted: Emitted) -> None:
    """Mapped and skipped aspects together are exactly the distinct aspects of the raw files."""
    raw = set()
    for name in (
        "showcase_ecommerce/01-definitions",
        "showcase_ecommerce/02-data",
        "showcase_ecommerce/03-context",
        "ml_showcase",
    ):
        for record in json.loads((SHOWCASE / f"{name}.json").read_text()):
            raw.add((record["entityType"], record["entityUrn"], record["aspectName"]))
    wanted = Counter(f"{kind}/{aspect}" for kind, _, aspect in raw)
    mapped, skipped = emitted.estate.coverage()
    parent = Counter(mapped) + Counter({name: n for name, n in skipped.items() if "." not in name})
    assert parent == wanted


def test_foreign_ids_never_share_a_urn(emitted: Emitted) -> None:
    """All carried entities have URNs of their own, upper and lower case apart, and keep the foreign id."""
    assert len(set(emitted.foreign.values())) == len(emitted.foreign) == len(emitted.bodies)
    names = Names(Estate())
    tables = [
        names.urn(f"urn:li:dataset:(urn:li:dataPlatform:hive,{name},{env})")
        for name in ("A.b", "a.b", "a/b", "a%2Cb")
        for env in ("PROD", "DEV")
    ]
    assert len(set(tables)) == 8
    assert names.urn("urn:li:dataset:(urn:li:dataPlatform:HIVE,A.b,PROD)") == tables[0]  # a failure of two entities


def test_two_models_of_one_group_with_one_tag_stay_apart(tmp_path: Path) -> None:
    """If a version tag occurs twice in its group, the model's own name is used instead."""
    group = "urn:li:mlModelGroup:(urn:li:dataPlatform:mlflow,churn,PROD)"
    records = [
        {
            "entityType": "mlModel",
            "entityUrn": f"urn:li:mlModel:(urn:li:dataPlatform:mlflow,{name},PROD)",
            "aspectName": "mlModelProperties",
            "aspect": {"value": json.dumps({"groups": [group], "version": {"versionTag": tag}})},
        }
        for name, tag in (("a", "1"), ("b", "1"), ("c", "2"))
    ]
    file = tmp_path / "models.json"
    file.write_text(json.dumps(records))
    assert [item["modelVersion"]["id"] for item in values(map_estate(read_estate([file])))] == [
        "mlg://model-version/mlflow/default/churn@a",
        "mlg://model-version/mlflow/default/churn@b",
        "mlg://model-version/mlflow/default/churn@2",
    ]


def test_references_are_read_in_each_of_their_spellings(tmp_path: Path) -> None:
    """Plain lists, `…Edges` and wrapped ids count alike, the same one once, and jobs wait for jobs."""
    table = "urn:li:dataset:(urn:li:dataPlatform:hive,{},PROD)"
    flow = "urn:li:dataFlow:(airflow,f,prod)"
    job = f"urn:li:dataJob:({flow},{{}})"
    chart, board = "urn:li:chart:(looker,{})", "urn:li:dashboard:(looker,d)"
    bodies = [
        ("chart", chart.format("c"), "chartInfo", {
            "inputs": [{"string": table.format("a")}, table.format("b")],
            "inputEdges": [{"destinationUrn": table.format("b")}, {"destinationUrn": table.format("c")}],
        }),
        ("dashboard", board, "dashboardInfo", {
            "charts": [chart.format("c")], "chartEdges": [{"destinationUrn": chart.format("e")}],
            "datasets": [table.format("a")], "datasetEdges": [{"destinationUrn": table.format("b")}],
        }),
        ("dataJob", job.format("j"), "dataJobInputOutput", {
            "inputDatajobs": [job.format("i")], "inputDatajobEdges": [{"destinationUrn": job.format("h")}],
        }),
    ]  # fmt: skip
    file = tmp_path / "references.json"
    keys = ("entityType", "entityUrn", "aspectName")
    file.write_text(json.dumps([{**dict(zip(keys, one, strict=False)), "aspect": {"json": one[3]}} for one in bodies]))
    items = values(map_estate(read_estate([file])))
    inputs = {item["report"]["id"].split("/")[4]: item["report"]["inputs"] for item in items if "report" in item}
    assert [urn.rsplit("/", 1)[1] for urn in inputs["chart"]] == ["a", "b", "c"]
    assert [urn.rsplit("/", 1)[1] for urn in inputs["dashboard"]] == ["c", "e", "a", "b"]
    links = [item["link"] for item in items if "link" in item]
    assert [(one["relation"], one["from"][-1], one["to"][-1]) for one in links] == [
        ("TRIGGERS", "i", "j"),
        ("TRIGGERS", "h", "j"),
    ]


def test_what_makes_no_id_fails_alone(server: ContractServer, tmp_path: Path) -> None:
    """Each entity without an id of its own is one failure, and the rest is sent; no reference to an id is left out."""
    file = tmp_path / "estate.json"
    file.write_text(json.dumps(records_without_ids()))
    result = CliRunner().invoke(
        commands, ["import", "datahub", str(file), "--url", server.url, "--token", "t", "--json"]
    )
    summary = json.loads(result.stdout.splitlines()[-1])
    bodies = {body["id"]: body for item in server.items for body in item.values() if "id" in body}
    version = "mlg://model-version/mlflow/default/churn@"
    key = "%28urn%3Ali%3AdataPlatform%3Amlflow%2C{}%2CPROD%29"
    assert (result.exit_code, summary["failed"]) == (1, 15), result.stderr
    assert set(bodies) == {
        "mlg://dataset/s3/default/b",
        version + key.format("churn_a"),
        f"{version}churn_b",
        version + key.format("other"),
        "mlg://user/datahub/default/bob",
        "mlg://team/datahub/default/g",
        "mlg://team/datahub/default/h",
    }
    assert bodies["mlg://dataset/s3/default/b"]["derivedFrom"] == ["mlg://dataset/s3/default/a"]
    assert bodies["mlg://dataset/s3/default/b"]["columns"] == [
        {"name": "c", "derivedFrom": [{"dataset": "mlg://dataset/s3/default/a", "column": "c"}]}
    ]
    assert bodies["mlg://dataset/s3/default/b"]["owners"] == [
        {"owner": "mlg://user/datahub/default/ada", "ownership": "TECHNICAL"}
    ]
    assert "members" not in bodies["mlg://team/datahub/default/g"]
    assert bodies["mlg://team/datahub/default/h"]["members"] == [{"user": "mlg://user/datahub/default/bob"}]
    left_out = {name: number for name, number in summary["skipped"].items() if name.endswith(".withoutId")}
    assert left_out == {
        "corpuser/references.withoutId": 1,
        "dataset/references.withoutId": 2,
        "mlModel/references.withoutId": 3,
    }


@pytest.mark.parametrize("records", [CONTESTED, CONTESTED[::-1]])
def test_a_contested_entity_is_neither_sent_nor_loses_what_is_stored(records: list[Any], tmp_path: Path) -> None:
    """In both orders, no owner, e-mail, stage or model of a twin is sent, and each reference keeps its edge."""
    file = tmp_path / "estate.json"
    file.write_text(json.dumps(records_of(records)))
    entries = map_estate(read_estate([file]))
    failed = [each.location for each in entries if isinstance(each, ItemResult)]
    assert sorted(failed) == sorted(one[1] for one in CONTESTED if one in (*CONTESTED[1:6], CONTESTED[8]))
    items = values(entries)
    bodies = {body["id"]: body for item in items for body in item.values() if "id" in body}
    version = "mlg://model-version/mlflow/default/n@1"
    deployment = "mlg://deployment/k8s/default/d"
    assert set(bodies) == {"mlg://dataset/s3/default/sales", version, deployment}
    sales = bodies["mlg://dataset/s3/default/sales"]
    assert sales["derivedFrom"] == ["mlg://dataset/s3/default/orders"]
    assert sales["owners"] == [{"owner": "mlg://user/datahub/default/ada", "ownership": "TECHNICAL"}]
    assert "modelVersion" not in bodies[deployment]
    assert [item["link"] for item in items if "link" in item] == [
        {"relation": "DEPLOYED_AS", "from": version, "to": deployment}
    ]


def test_the_command_loads_and_reports(server: ContractServer) -> None:
    """Every item is written, the summary counts mapped and skipped aspects, and skipping is no failure."""
    files = [str(file) for file in FILES]
    result = CliRunner().invoke(commands, ["import", "datahub", *files, "--url", server.url, "--token", "t", "--json"])
    assert result.exit_code == 0, result.stderr
    summary = json.loads(result.stdout.splitlines()[-1])
    assert summary["created"] == len(server.items) == 205
    assert summary["failed"] == 0
    assert summary["skipped"]["container/containerProperties"] == 14
    assert summary["mapped"]["dataset/upstreamLineage"] == 55


def test_a_file_without_metadata_is_rejected_by_name(tmp_path: Path) -> None:
    """The message names file and record, and nothing is sent."""
    file = tmp_path / "wrong.json"
    file.write_text('[{"entityUrn": "x"}]')
    result = CliRunner().invoke(
        commands, ["import", "datahub", str(file), "--url", "http://127.0.0.1:1", "--token", "t"]
    )
    assert result.exit_code == 1
    assert f"{file}, record 0" in result.stderr
