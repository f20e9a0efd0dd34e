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
    get_introspection_query,
    parse,
)
from hypothesis import given
from hypothesis import strategies as st

from graphql_schema.operation.limits import CEILING, DocumentLimits, Size, breaches, measure


def size(document: str) -> Size:
    """Return the size of the only operation of a document."""
    [(_, measured)] = measure(parse(document))
    return measured


def expanded(document: str) -> Size:
    """Return the size by expanding every fragment, which takes time exponential in the length of the text."""
    ast = parse(document)
    fragments = {d.name.value: d for d in ast.definitions if isinstance(d, FragmentDefinitionNode)}
    operation = next(d for d in ast.definitions if isinstance(d, OperationDefinitionNode))

    def walk(selection: SelectionSetNode, depth: int) -> Iterator[tuple[int, int, int, int]]:
        for node in selection.selections:
            marks = len(node.directives or ())
            if isinstance(node, FieldNode):
                yield depth, int(node.alias is not None), marks, 1
                if node.selection_set:
                    yield from walk(node.selection_set, depth + 1)
            elif isinstance(node, InlineFragmentNode):
                yield 0, 0, marks, 0
                yield from walk(node.selection_set, depth)
            elif isinstance(node, FragmentSpreadNode):
                fragment = fragments[node.name.value]
                yield 0, 0, marks + len(fragment.directives or ()), 0
                yield from walk(fragment.selection_set, depth)

    rows = list(walk(operation.selection_set, 1))
    depths, aliases, directives, fields = zip(*rows, strict=True)
    return Size(max(depths), sum(aliases), sum(directives), sum(fields))


def doubled(levels: int) -> str:
    """Return a short document of 2^levels fields: fragments that each spread the next one twice."""
    links = "".join(f"fragment F{i} on Q{{...F{i + 1} ...F{i + 1}}}" for i in range(levels))
    return f"{{...F0}}{links}fragment F{levels} on Q{{x}}"


LEAVES = st.sampled_from(["x", "a: x", "x @skip(if: false)", "a: x @a @b"])


def _nested(children: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    inside = st.lists(children, min_size=1, max_size=3).map(" ".join)
    return st.one_of(
        inside.map("y {{ {} }}".format), inside.map("b: y @c {{ {} }}".format), inside.map("... @d {{ {} }}".format)
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
    [(_, measured)] = measure(document)
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
        ("directives", "{" + "x @a " * 50 + "}", "{" + "x @a " * 51 + "}"),
        ("fields", doubled(12), doubled(13)),
    ],
)
def test_each_limit_is_exact(name: str, within: str, over: str) -> None:
    """The largest document within a limit passes, and the next larger one exceeds that limit and no other."""
    assert breaches(parse(within), DocumentLimits()) == []
    assert [breach.limit for breach in breaches(parse(over), DocumentLimits())] == [name]


def test_every_operation_is_measured() -> None:
    """A document cannot hide a large operation behind a small one."""
    document = parse("query A { x } query B {" + "b: x " * 31 + "}")
    [breach] = breaches(document, DocumentLimits())
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
    assert breaches(parse(document), DocumentLimits()) == []


def test_introspection_is_within_the_other_limits() -> None:
    """A document that queries the schema 31 times under aliases has 31 aliases."""
    document = parse("{" + "s: __schema { types { name } } " * 31 + "}")
    assert [breach.limit for breach in breaches(document, DocumentLimits())] == ["aliases"]
