"""Health of an asset as the schema shows it: the status, each cause with what impairs it, and what may hide it."""

# mypy: disable-error-code="index"
# A response of another shape fails the test.

from strawberry.types import ExecutionResult
from support.stores.plain_reader import PlainGraph

from graphql_schema.fields.context import Context
from graphql_schema.operation.field_guards import governed_fields
from graphql_schema.ports.health_report import CauseSeverity, HealthFinding, HealthReport
from graphql_schema.ports.lineage_query import Completeness
from graphql_schema.ports.row import Row
from graphql_schema.schema import GraphSchema
from policies.principal import Principal

QUERY = """query ($id: ID!) { asset(id: $id) { health { status
  causes { asset { id } depth check { id } result { id } incident { id } evaluation { id } }
  completeness { state visited } } } }"""


class Impaired(PlainGraph):
    """A graph whose assets are impaired by a failing check, and by an incident two levels upstream."""

    async def health(self, source: Row) -> HealthReport:
        """See GraphReader."""
        severe = CauseSeverity.SEVERE
        far, check, result, incident = (self.row(urn) for urn in self.records if urn != source.urn)
        assert far is not None
        causes = (
            HealthFinding(source, 0, severe, check=check, result=result),
            HealthFinding(far, 2, severe, incident=incident),
        )
        return HealthReport("UNHEALTHY", causes, Completeness((), False, 5, 2, None, self.pin))  # noqa: FBT003 - as declared


async def health(schema: GraphSchema, graph: PlainGraph, ada: Principal, urn: str) -> object:
    """Return the health of an asset."""
    context = Context(ada, lambda *_: graph, graph, graph.report, b"k" * 32, lambda: 0)
    found = await schema.execute(QUERY, variable_values={"id": urn}, context_value=context)
    assert isinstance(found, ExecutionResult)
    assert found.errors is None
    return found.data["asset"]["health"]


async def test_causes_keep_their_order_and_name_what_impairs(schema: GraphSchema, ada: Principal) -> None:
    """Each cause has its asset and depth, and either a check with its result, an incident or an evaluation."""
    graph = Impaired()
    data, raw = graph.add("DATASET", "d"), graph.add("DATASET", "raw")
    check, result = graph.add("CHECK", "c"), graph.add("CHECK_RESULT", "r")
    incident = graph.add("INCIDENT", "i")
    nothing = {"check": None, "result": None, "incident": None, "evaluation": None}
    assert await health(schema, graph, ada, data) == {
        "status": "UNHEALTHY",
        "causes": [
            {**nothing, "asset": {"id": data}, "depth": 0, "check": {"id": check}, "result": {"id": result}},
            {**nothing, "asset": {"id": raw}, "depth": 2, "incident": {"id": incident}},
        ],
        "completeness": {"state": "COMPLETE", "visited": 5},
    }


async def test_an_asset_without_checks_is_unknown(schema: GraphSchema, graph: PlainGraph, ada: Principal) -> None:
    """Without monitoring and without a cause, the status is neither good nor bad."""
    assert await health(schema, graph, ada, graph.add("DATASET", "d")) == {
        "status": "UNKNOWN",
        "causes": [],
        "completeness": {"state": "COMPLETE", "visited": 1},
    }


def test_health_is_as_hidden_as_what_it_is_computed_from(schema: GraphSchema) -> None:
    """The labels of checks, incidents and lineage bound that of the health.

    For versions the labels of evaluations do too, and for both the label of contamination.
    """
    derived = governed_fields(schema.core).derived
    fields = {"checks", "incidents", "upstream", "lineage"}
    assert set(derived["Dataset.health"]) == {f"Dataset.{name}" for name in fields}
    contamination = {"Evaluation.contamination"}
    of_version = {f"ModelVersion.{name}" for name in (*fields, "evaluations")}
    assert set(derived["ModelVersion.health"]) == of_version | contamination
    assert set(derived["Evaluation.health"]) == {f"Evaluation.{name}" for name in fields} | contamination
