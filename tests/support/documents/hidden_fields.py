"""A graph with hidden fields, and a query that selects them, with and without resolvers of their own."""

from collections.abc import Sequence

from support.stores.plain_reader import PlainGraph

from graphql_schema.ports.policy_report import PolicyReport


def hidden_estate(names: Sequence[str] = ("a", "b"), *, strict: bool = False) -> PlainGraph:
    """Return a graph of models with three versions each, where some fields of both are hidden."""
    graph = PlainGraph()
    graph.report = PolicyReport("v1", strict=strict)
    graph.hidden = {"MODEL": {"owners", "description"}, "MODEL_VERSION": {"params", "framework"}}
    team = graph.add("TEAM", "search")
    for name in names:
        model = graph.add("MODEL", name, task="ranking", description="hidden", ownerTeam=team)
        graph.join("OWNED_BY", model, team, kinds=["BUSINESS"], validFrom=1_000)
        for number in "123":
            graph.join(
                "VERSION_OF", graph.add("MODEL_VERSION", name, version=number, framework="x"), model, at=int(number)
            )
    return graph


HIDDEN = """{ assets(filter: {kinds: [MODEL]}) { nodes { description d: description owners { since } ... on Model { task
  versions { nodes { framework params { key } displayName model { description } } } } } } }"""
