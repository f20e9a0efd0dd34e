"""Static limits of a document, with a naive expansion as the oracle."""

from collections.abc import Iterator

import pytest
from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    build_schema,
    get_introspection_query,
    get_named_type,
    is_composite_type,
    parse,
)
from hypothesis import given
from hypothesis import strategies as st

from graphql_schema.operation.limits import CEILING, FAR_ENDS, WRAPPERS, DocumentLimits, Size, breaches, measure
from graphql_schema.schema import build_schema as build_product

FIELDS = "a: Q x: Int y: Q z: Q nodes: Q node: Q"
SMALL = build_schema(f"type Query {{ {FIELDS} }} type Q {{ {FIELDS} }} union U = Q")
"""A schema whose fields `nodes` and `node` are wrappers on Q, and objects on the root."""


def size(document: str) -> Size:
    """Return the size of the only operation of a document."""
    [(_, measured)] = measure(SMALL, parse(document))
    return measured


def expanded(document: str) -> Size:
    """Return the size by expanding every fragment, which takes time exponential in the length of the text.

    A field `nodes` or `node` that is not at the root is at the depth of its parent.
    """
    ast = parse(document)
    fragments = {d.name.value: d for d in ast.definitions if isinstance(d, FragmentDefinitionNode)}
    operation = next(d for d in ast.definitions if isinstance(d, OperationDefinitionNode))

    def walk(selection: SelectionSetNode, depth: int) -> Iterator[tuple[int, int, int, int, int]]:
        for node in selection.selections:
            marks = len(node.directives or ())
            if isinstance(node, FieldNode):
                at = depth - (depth > 1 and node.name.value in {"nodes", "node"})
                yield at, int(node.alias is not None), len(node.alias.value) if node.alias else 0, marks, 1
                if node.selection_set:
                    yield from walk(node.selection_set, at + 1)
            elif isinstance(node, InlineFragmentNode):
                yield 0, 0, 0, marks, 0
                yield from walk(node.selection_set, depth)
            elif isinstance(node, FragmentSpreadNode):
                fragment = fragments[node.name.value]
                yield 0, 0, 0, marks + len(fragment.directives or ()), 0
                yield from walk(fragment.selection_set, depth)

    rows = list(walk(operation.selection_set, 1))
    depths, aliases, lengths, directives, fields = zip(*rows, strict=True)
    return Size(max(depths), sum(aliases), max(lengths), sum(directives), sum(fields))


def doubled(levels: int) -> str:
    """Return a short document of 2^levels fields: fragments that each spread the next one twice."""
    links = "".join(f"fragment F{i} on Q{{...F{i + 1} ...F{i + 1}}}" for i in range(levels))
    return f"{{...F0}}{links}fragment F{levels} on Q{{x}}"


LEAVES = st.sampled_from(["x", "a: x", "abc: x", "x @skip(if: false)", "a: x @a @b"])


def _nested(children: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    inside = st.lists(children, min_size=1, max_size=3).map(" ".join)
    return st.one_of(
        inside.map("y {{ {} }}".format),
        inside.map("b: y @c {{ {} }}".format),
        inside.map("... @d {{ {} }}".format),
        inside.map("nodes {{ {} }}".format),
        inside.map("y {{ ... on Q {{ node {{ {} }} }} }}".format),
    )


@given(st.lists(st.recursive(LEAVES, _nested, max_leaves=6), min_size=4, max_size=4), st.randoms())
def test_any_document_measures_like_its_expansion(bodies: list[str], random: object) -> None:
    """The size equals that of the oracle, for fragments that spread later ones, in any order of definition."""
    spread = [f"{body} y {{ ...F{i + 1} ...F{i + 1} @e }} ...F{i + 1}" for i, body in enumerate(bodies[:3])]
    texts = [f"fragment F{i} on Q @f {{ {body} }}" for i, body in enumerate([*spread, bodies[3]])]
    random.shuffle(texts)  # type: ignore[attr-defined]
    document = f"{{ ...F0 z {{ ...F2 }} }} {' '.join(texts)}"
    assert size(document) == expanded(document)


def test_doubled_fragments_are_visited_once() -> None:
    """Measuring a document of 2^20 fields visits each node of its text once, not each node of its expansion."""
    document = parse(doubled(20))
    visits = 0

    class Counted(tuple[object, ...]):
        """Selections that count how often they are visited."""

        __slots__ = ()

        def __iter__(self) -> Iterator[object]:
            nonlocal visits
            for node in super().__iter__():
                visits += 1
                yield node

    for definition in document.definitions:
        selections = definition.selection_set  # type: ignore[attr-defined]
        object.__setattr__(selections, "selections", Counted(selections.selections))  # nodes are frozen
    [(_, measured)] = measure(SMALL, document)
    assert measured.fields == 2**20
    assert visits == 1 + 2 * 20 + 1


def test_very_large_sizes_saturate() -> None:
    """A chain that doubles 400 times has a size that fits into 32 bits, and is measured without recursion."""
    assert size(doubled(400)).fields == CEILING


@pytest.mark.parametrize(
    ("name", "within", "over"),
    [
        ("depth", "{" + "a{" * 11 + "x" + "}" * 12, "{" + "a{" * 12 + "x" + "}" * 13),
        ("aliases", "{" + "b: x " * 30 + "}", "{" + "b: x " * 31 + "}"),
        ("alias", "{" + "b" * 64 + ": x}", "{ ...F } fragment F on Query { y { " + "b" * 65 + ": x } }"),
        ("directives", "{" + "x @a " * 50 + "}", "{" + "x @a " * 51 + "}"),
        ("fields", doubled(12), doubled(13)),
    ],
)
def test_each_limit_is_exact(name: str, within: str, over: str) -> None:
    """The largest document within a limit passes, and the next larger one exceeds that limit and no other."""
    assert breaches(SMALL, parse(within), DocumentLimits()) == []
    assert [breach.limit for breach in breaches(SMALL, parse(over), DocumentLimits())] == [name]


def test_the_first_operation_over_a_limit_is_reported() -> None:
    """Hundreds of operations that spread one large fragment are one error, not one for each of them."""
    large = "fragment F on Query {" + "b: x " * 31 + "}"
    document = parse("query A { x }" + "".join(f"query B{number} {{ ...F }}" for number in range(300)) + large)
    [breach] = breaches(SMALL, document, DocumentLimits())
    assert breach.operation is document.definitions[1]


@pytest.mark.parametrize(
    ("document", "depth"),
    [
        ("{ y { nodes { node { y { nodes { x } } } } } }", 3),
        ("{ nodes { node { x } } }", 2),
        ("query { ...A } fragment A on Query { node { x } }", 2),
        ("{ y { ...A } } fragment A on Q { node { ...B } } fragment B on Q { nodes { x } }", 2),
        ("{ y { ... on U { nodes { x } } } }", 3),
        ("{ y { none { nodes { node { x } } } } }", 5),
        ("{ y { nodes @include(if: true) { n: node { x } } } }", 2),
    ],
)
def test_wrappers_of_lists_are_no_depth(document: str, depth: int) -> None:
    """A wrapper is free on types that have it, except at the root; it counts where the schema does not define it."""
    assert size(document).depth == depth


@pytest.mark.parametrize("levels", [6, 10, 11])
@pytest.mark.parametrize(
    ("begin", "end"), [("nodes {", "}"), ("edges { node {", "} }"), ("pageInfo { hasNextPage } nodes {", "}")]
)
def test_levels_of_downstream(levels: int, begin: str, end: str) -> None:
    """Six levels of neighbours pass, and ten are the most: a level is one object, and the root and the field two."""
    document = f"downstream(first: 1) {{ {begin} asset {{" * levels + " id " + f"}} {end} }}" * levels
    exceeded = breaches(build_product().core, parse(f'{{ asset(id: "x") {{ {document} }} }}'), DocumentLimits())
    assert [(breach.limit, breach.actual) for breach in exceeded] == ([] if levels <= 10 else [("depth", levels + 2)])


def test_no_document_is_nested_in_wrappers_alone() -> None:
    """In the schema of the product at most three wrappers follow each other, so depth bounds the nesting of objects."""
    schema = build_product().core
    roots = {schema.query_type, schema.mutation_type, schema.subscription_type}

    def longest(type_: object, path: tuple[object, ...] = ()) -> int:
        """Return the number of wrappers in the longest chain from a type; fails for a cycle."""
        assert type_ not in path
        fields = getattr(type_, "fields", {}) if type_ not in roots else {}
        below = [
            get_named_type(field.type)
            for name, field in fields.items()
            if name in WRAPPERS or f"{type_}.{name}" in FAR_ENDS
        ]
        return max((1 + longest(each, (*path, type_)) for each in below), default=0)

    assert max(longest(type_) for type_ in schema.type_map.values() if is_composite_type(type_)) == 3


def test_every_operation_is_measured() -> None:
    """A document cannot hide a large operation behind a small one."""
    document = parse("query A { x } query B {" + "b: x " * 31 + "}")
    [breach] = breaches(SMALL, document, DocumentLimits())
    assert (breach.limit, breach.actual, breach.maximum) == ("aliases", 31, 30)
    assert breach.operation.name is not None
    assert breach.operation.name.value == "B"


def test_cycles_and_unknown_fragments_end() -> None:
    """Fragments that validation refuses later are measured without an error or an endless loop."""
    assert size("{ ...A } fragment A on Q { x ...B } fragment B on Q { y ...A }").fields == 2
    assert size("{ x ...Nowhere }").fields == 1


def test_the_standard_introspection_passes() -> None:
    """Tools query the schema deeper than data may be queried, so depth within introspection does not count."""
    document = get_introspection_query(input_value_deprecation=True, specified_by_url=True)
    assert expanded(document).depth > DocumentLimits().depth
    assert breaches(SMALL, parse(document), DocumentLimits()) == []


def test_introspection_is_within_the_other_limits() -> None:
    """A document that queries the schema 31 times under aliases has 31 aliases."""
    document = parse("{" + "s: __schema { types { name } } " * 31 + "}")
    assert [breach.limit for breach in breaches(SMALL, document, DocumentLimits())] == ["aliases"]
