"""The fields that a selection selects directly, itself and by its fragments."""

from collections.abc import Iterator
from itertools import islice

from graphql import FieldNode, FragmentDefinitionNode, OperationDefinitionNode, SelectionNode, parse

from graphql_schema.fields.selected_fields import selected_fields


def names(document: str, *without: str) -> Iterator[str]:
    """Yield the names of the fields of the first operation; fields and fragments called ``without`` are left out."""
    first, *others = parse(document).definitions
    assert isinstance(first, OperationDefinitionNode)
    fragments = {each.name.value: each for each in others if isinstance(each, FragmentDefinitionNode)}

    def is_included(node: SelectionNode) -> bool:
        return getattr(getattr(node, "name", None), "value", None) not in without

    for node in selected_fields(first.selection_set, fragments, is_included):
        assert isinstance(node, FieldNode)
        yield node.name.value


def test_fields_of_nested_fragments_are_selected() -> None:
    """Inline fragments and spreads at any depth count, fields below fields do not."""
    document = "{ a { below } ... { b ... { ...F } } } fragment F on T { c { deeper } ...G } fragment G on T { d }"
    assert sorted(names(document)) == ["a", "b", "c", "d"]


def test_what_is_not_included_is_left_out_with_all_in_it() -> None:
    """A refused field is absent, and so are all fields of a refused fragment, also where it is spread again."""
    document = "{ a b ...F ...G } fragment F on T { c ...G } fragment G on T { d }"
    assert sorted(names(document, "b", "F")) == ["a", "d"]
    assert sorted(names(document, "G")) == ["a", "b", "c"]


def test_fragments_that_spread_each_other_twice_are_visited_once() -> None:
    """Forty fragments, each of which spreads the next one twice, have as many fields as they write, not 2^40."""
    fragments = [f"fragment F{number} on T {{ f{number} ...F{number + 1} ...F{number + 1} }}" for number in range(40)]
    document = f"{{ ...F0 ...F0 }} {' '.join(fragments)} fragment F40 on T {{ f40 }}"
    assert sorted(islice(names(document), 1_000)) == sorted(f"f{number}" for number in range(41))
