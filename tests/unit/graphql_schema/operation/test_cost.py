"""The cost of operations, with sizes counted by hand."""

import pytest
from graphql import GraphQLObjectType, GraphQLSchema, OperationDefinitionNode, get_introspection_query, parse
from strawberry.types import ExecutionResult

from graphql_schema.operation.cost import INNER_LISTING_COUNT, KEPT_COSTS, LISTING_COUNT, Cost, KnownCosts, Pricing
from graphql_schema.operation.limits import CEILING, DocumentLimits
from graphql_schema.schema import build_schema as built

BOMB = "{assets(first:500){nodes{ownerTeam{assets(first:500){nodes{ownerTeam{assets(first:500){nodes{id}}}}}}}}}"


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    """Return the schema of the API."""
    return built().core


def cost(schema: GraphQLSchema, document: str, **variables: object) -> Cost:
    """Return the cost of the only operation of a document."""
    ast = parse(document)
    [operation] = [each for each in ast.definitions if isinstance(each, OperationDefinitionNode)]
    return Pricing.of(schema, ast, variables).cost(operation)


@pytest.mark.parametrize(
    ("document", "objects", "values"),
    [
        ("{ viewer { subject } }", 1, 1),
        ("{ assets { nodes { id kind } } }", 1 + 20, 40),
        ("{ assets(first: 7) { edges { cursor node { id } } pageInfo { hasNextPage } } }", 1 + 1 + 7 * 2, 7 * 2 + 1),
        ('{ nodes(ids: ["a", "b", "c"]) { id } }', 3, 3),
        ("{ assets(first: 3) { nodes { tags { tag { id } } } } }", 1 + 3 * (1 + 10 * 2), 30),
        ("{ assets(first: 0) { nodes { id } } }", 1, 0),
        ("{ assets(first: 5) { totalCount } }", 1 + LISTING_COUNT, 1),
        ("{ myWork { unused(first: 3) { totalCount nodes { id } } } }", 1 + 1 + 3 + LISTING_COUNT, 4),
        ("{ assets(first: 2) { nodes { ... on Model { versions { totalCount } } } } }", 1 + 2 * (1 + 1 + 10), 2),
        ("{ teams(first: 2) { nodes { assets(first: 3) { totalCount nodes { id } } } } }", 1 + 2 * (1 + 1 + 50 + 3), 8),
        ('{ search(text: "x", first: 4) { hits { nodes { asset { id } } } } }', 1 + 1 + 4 * 2, 4),
        ('{ scene(roots: ["a"], maxElements: 5) { total elements { level asset { id } } groups { key } } }',
         1 + 5 * 2 + 5, 1 + 5 * 2 + 5),
        ("{ nothing { of } assets(first: 2) { nodes { unknown { id } } } }", 1 + 2, 0),
    ],
)  # fmt: skip
def test_sizes_are_multiplied_down_the_tree(schema: GraphQLSchema, document: str, objects: int, values: int) -> None:
    """Objects and values are those of the largest response, with the stated and the assumed sizes of lists."""
    found = cost(schema, document)
    assert (found.objects, found.values) == (objects, values)


def test_every_listing_below_an_object_is_priced(schema: GraphQLSchema) -> None:
    """A connection field with a filter of assets reads the index for each object; its total costs more than others."""
    found = {
        f"{kind}.{name}": cost(schema, f'{{ nodes(ids: ["a"]) {{ ... on {kind} {{ {name} {{ totalCount }} }} }} }}')
        for kind in schema.type_map.values()
        if isinstance(kind, GraphQLObjectType) and kind is not schema.query_type
        for name, field in kind.fields.items()
        if "filter" in field.args and str(field.args["filter"].type) == "AssetFilter"
    }
    priced = Cost(objects=1 + 1 + INNER_LISTING_COUNT, values=1)
    assert found == dict.fromkeys(("Domain.assets", "Tag.assets", "Team.assets", "User.assets"), priced)


def test_alternatives_count_once(schema: GraphQLSchema) -> None:
    """An asset has one kind, so of fragments on several kinds the largest counts; those on one kind add up."""
    text = "{ assets(first: 10) { nodes { id ...A ...B ... on Model { id } } } }"
    text += " fragment A on Model { task riskTier } fragment B on Dataset { uri }"
    assert cost(schema, text).values == 10 * (1 + 3)


def test_a_page_size_may_be_a_variable(schema: GraphQLSchema) -> None:
    """A variable counts by its value as sent, else by its default, else as the default page."""
    text = "query ($n: Int%s) { assets(first: $n) { nodes { id } } }"
    assert cost(schema, text % "", n=9).values == 9
    assert cost(schema, text % " = 3").values == 3
    assert cost(schema, text % "").values == 20


@pytest.mark.parametrize(
    ("field", "default"),
    [
        ("assets%s { nodes { id } }", 20),
        ("tags%s { nodes { id } }", 50),
        ('lineage(roots: ["a"], direction: UPSTREAM%s) { nodes { nodes { depth } } }', 100),
        ('paths(from: "a", to: "b"%s) { paths { length } }', 5),
    ],
)
def test_a_size_that_is_absent_or_null_is_the_default(schema: GraphQLSchema, field: str, default: int) -> None:
    """A size that is absent, null, or a variable without a value counts as the default of the argument."""
    name = "maxPaths" if "paths" in field else "first"

    def values(given: str, **variables: object) -> int:
        argument = given and f"{name}: {given}"
        text = field % (f", {argument}" if "(" in field else f"({argument})" if given else "")
        return cost(schema, f"query ($n: Int, $z: Int = null, $d: Int = 3) {{ {text} }}", **variables).values

    assert {values("", n=7), values("null"), values("$n"), values("$n", n=None), values("$z")} == {default}
    assert (values("$d"), values("$d", d=None)) == (3, default)


def test_every_page_has_a_default_size(schema: GraphQLSchema) -> None:
    """Each argument that states the size of a page has a default, from which an absent one is priced."""
    sizes = [
        field.args[name].default_value
        for kind in schema.type_map.values()
        if isinstance(kind, GraphQLObjectType)
        for field in kind.fields.values()
        for name in ("first", "maxPaths")
        if name in field.args
    ]
    assert set(sizes) == {5, 20, 50, 100}


@pytest.mark.parametrize("sent", [500, 500.0])
def test_a_size_may_be_sent_as_a_float(schema: GraphQLSchema, sent: float) -> None:
    """A variable of type Int may be sent as a float without fraction, which counts as the integer."""
    assert cost(schema, "query ($n: Int) { assets(first: $n) { nodes { id } } }", n=sent).values == 500


def test_a_skipped_selection_costs_nothing(schema: GraphQLSchema) -> None:
    """A selection that a directive removes does not count, whether by a literal or by a variable."""
    text = "query ($on: Boolean) { viewer { subject } assets @include(if: $on) { nodes { id } } ...T @skip(if: true) }"
    text += " fragment T on Query { tags { nodes { id } } }"
    assert [cost(schema, text, on=on).objects for on in (False, True)] == [1, 1 + 21]


def test_fragments_that_double_are_priced_once() -> None:
    """Forty fragments that each spread the next one twice are priced at once, and capped."""
    links = "".join(f"fragment F{i} on Query {{ ...F{i + 1} ...F{i + 1} }}" for i in range(40))
    document = f"{{ ...F0 }} {links} fragment F40 on Query {{ viewer {{ subject }} }}"
    assert cost(built().core, document).objects == CEILING


def test_a_fragment_that_spreads_itself_ends(schema: GraphQLSchema) -> None:
    """A cycle, which validation refuses, is not followed."""
    assert cost(schema, "{ ...F } fragment F on Query { viewer { subject } ...F }").objects == 1


def test_the_usual_introspection_passes_and_thirty_of_them_do_not(schema: GraphQLSchema) -> None:
    """The complete introspection of tools is within the limit; a repeated expansion of it is not."""
    usual = get_introspection_query(specified_by_url=True, directive_is_repeatable=True, input_value_deprecation=True)
    repeated = " ".join(
        f"a{i}: __schema {{ types {{ fields {{ type {{ fields {{ args {{ name }} }} }} }} }} }}" for i in range(30)
    )
    limit = DocumentLimits().introspection
    assert cost(schema, usual).introspection < limit < cost(schema, f"{{ {repeated} }}").introspection


def test_introspection_deeper_than_the_stack_is_capped(schema: GraphQLSchema) -> None:
    """A chain of 900 fragments on a type ends with the largest cost instead of an exhausted stack."""
    links = "".join(f"fragment F{i} on __Type {{ ofType {{ ...F{i + 1} }} }}" for i in range(900))
    document = f"{{ __schema {{ types {{ ...F0 }} }} }} {links} fragment F900 on __Type {{ name }}"
    assert cost(schema, document).introspection == CEILING


async def test_an_expensive_operation_is_refused() -> None:
    """The three nested lists of 500 are refused with their number of objects, and nothing is executed."""
    result = await built().execute(BOMB)
    assert isinstance(result, ExecutionResult)
    error, _ = result.errors or []
    assert error.extensions == {"code": "LIMIT_EXCEEDED", "limit": "objects", "actual": 125_751_501, "maximum": 50_000}
    assert "smaller `first`" in error.message


DECIDED = """
  query A($n: Int = 4, $ids: [ID!] = ["x"], $if: Boolean!, $text: String) {
    assets(first: $n, filter: {name: {eq: $text}}) { nodes { id kind @include(if: $if) } }
    nodes(ids: $ids) { id }
  }
  query B($n: Int = 6) { assets(first: $n) { nodes { id kind stage } } }
"""


def test_a_known_cost_is_the_price(schema: GraphQLSchema, monkeypatch: pytest.MonkeyPatch) -> None:
    """For sizes and conditions of each type, in any order, the cost is that of the pricing; a repeated one is known."""
    document, known, priced = parse(DECIDED), KnownCosts(), 0
    operations = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    price = Pricing.cost

    def counted(self: Pricing, operation: OperationDefinitionNode) -> Cost:
        nonlocal priced
        priced += 1
        return price(self, operation)

    monkeypatch.setattr(Pricing, "cost", counted)
    decisive: dict[str, tuple[object, ...]] = {
        "n": (None, 0, 1, True, 1.0, 1.5, "1", 3, [1, 2, 3]),
        "ids": (None, [], ["a"], ["a", "b"], "ab", {"a": 1}),
        "if": (True, False, 1, 0, None, "true"),
    }
    given: list[dict[str, object]] = [{}, *({name: each} for name, many in decisive.items() for each in many)]
    cases = [(operation, variables) for operation in operations for variables in given]
    for operation, variables in (*cases, *reversed(cases)):
        found = known.cost(document, operation, Pricing.of(schema, document, variables))
        assert found == price(Pricing.of(schema, document, variables), operation), variables
        assert known.parts <= KEPT_COSTS * 9
    before = priced
    for text in ("a", "b"):
        known.cost(document, operations[0], Pricing.of(schema, document, {"n": 9, "text": text}))
    assert priced == before + 1
