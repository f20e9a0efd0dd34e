"""The queries that the bench measures, each with its oracle and its lower bound."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from bench import floor, oracle
from bench.estate import PROBE, Estate
from bench.view import View

DATASET, MODEL, VERSION, TEAM = (
    " ".join(names) for names in (oracle.DATASET, oracle.MODEL, oracle.VERSION, oracle.TEAM)
)
TOTALS = "total countsByKind { kind count } countsByDepth completeness { state }"


@dataclass(frozen=True, slots=True)
class Question:
    """A query with a title, its expected data, and a function that makes the response by hand.

    ``document`` is empty for the health probe, which is a GET request. ``variables`` are made from the estate.
    """

    name: str
    title: str
    document: str
    expected: Callable[[View], oracle.Data]
    by_hand: Callable[[View], floor.ByHand]
    variables: Callable[[Estate], dict[str, Any]] = lambda _estate: {}

    @property
    def reads_store(self) -> bool:
        """Return whether the query needs the store, so that a cold figure has a sense."""
        return self.document not in {"", "{ __typename }"}


_ALL = (
    Question("typename", "{ __typename }", "{ __typename }", oracle.type_name, floor.type_name),
    Question(
        "asset_page",
        "page of 100 datasets",
        f"{{ assets(filter: {{kinds: [DATASET]}}, first: 100) {{ nodes {{ ... on Dataset {{ {DATASET} }} }}"
        " pageInfo { hasNextPage } } }",
        oracle.asset_page,
        floor.asset_page,
    ),
    Question(
        "nested_list",
        "50 models, their versions, data and teams",
        f"""{{ assets(filter: {{kinds: [MODEL]}}, first: 50) {{ nodes {{ ... on Model {{ {MODEL}
        versions(first: 4) {{ nodes {{ {VERSION} trainedOn(first: 5) {{ nodes {{ ... on Dataset {{ {DATASET}
        ownerTeam {{ {TEAM} }} }} }} }} }} }} }} }} }} }}""",
        oracle.nested_list,
        floor.nested_list,
    ),
    Question(
        "owners_totals",
        "owners and two totals of 200",
        f"""{{ assets(filter: {{kinds: [DATASET]}}, first: 200) {{ nodes {{ ... on Dataset {{
        id displayName description stage format location
        owners(includeInherited: false) {{ ownership owner {{ ... on Team {{ {TEAM} }} }} }}
        feeds(first: 0) {{ totalCount }} derivedFrom(first: 0) {{ totalCount }} }} }} }} }}""",
        oracle.owners_and_totals,
        floor.owners_and_totals,
    ),
    Question(
        "small_impact",
        "impact of 11 assets",
        f"""query ($root: ID!) {{ impact(roots: [$root]) {{ {TOTALS}
        services {{ nodes {{ depth via asset {{ id displayName }} }} }}
        assets {{ nodes {{ depth asset {{ id displayName stage }} }} }} }} }}""",
        oracle.small_impact,
        floor.small_impact,
        lambda _estate: {"root": PROBE},
    ),
    Question(
        "hub_impact",
        "impact of a hub",
        f"""query ($root: ID!) {{ impact(roots: [$root]) {{ {TOTALS}
        services(first: 500) {{ totalCount nodes {{ depth asset {{ id displayName }} }} }} }} }}""",
        oracle.hub_impact,
        floor.hub_impact,
        lambda estate: {"root": estate.hub},
    ),
    Question(
        "search_prefix",
        "search by prefix",
        f"""{{ search(text: "ledg", first: 40) {{ hits {{ totalCount nodes {{ asset {{ ... on Dataset {{ {DATASET} }}
        }} }} }} }} }}""",
        oracle.search_prefix,
        floor.search_prefix,
    ),
)

QUESTIONS: Final = {each.name: each for each in _ALL}
"""The queries by name."""

LIGHT: Final = Question(
    "light", "page of 20", "{ assets(first: 20) { nodes { id displayName } } }", oracle.light_page, floor.type_name
)
"""The query of the light client beside hub walks."""

HEALTH: Final = Question("health_live", "GET /health/live", "", lambda _view: {"status": "live"}, floor.health)
"""The health probe, with which ``{ __typename }`` is compared."""

REGISTER: Final = (
    "mutation ($input: ModelVersionInput!) { registerModelVersion(input: $input) { outcome errors { code message } } }"
)
REGISTERED: Final = """query ($ids: [ID!]!) { nodes(ids: $ids) { ... on ModelVersion {
  id model { id } trainedOn { nodes { id } } } } }"""
"""Reads back what the bench has registered."""
