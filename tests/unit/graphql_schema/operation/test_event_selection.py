"""What the content of an event depends on besides its change."""

from collections.abc import Hashable
from typing import Any

from graphql import FragmentDefinitionNode, OperationDefinitionNode, parse

from graphql_schema.operation.event_selection import event_selection

DOCUMENT = """
subscription A($after: Cursor, $kinds: [Kind!], $short: Boolean!, $first: Int) {
  changes(after: $after, filter: { kinds: $kinds }) { id ...F }
}
subscription B { changes { id } }
fragment F on Change { subject @skip(if: $short) { history(first: $first) { nodes { id } } } }
"""


def selection(text: str = DOCUMENT, name: str = "A", *, located: bool = True, **variables: Any) -> Hashable:
    """Return the selection of an operation."""
    document = parse(text, no_location=not located)
    operations = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    fragments = [each for each in document.definitions if isinstance(each, FragmentDefinitionNode)]
    (operation,) = (each for each in operations if each.name and each.name.value == name)
    return event_selection(operation, fragments, variables)


def test_arguments_of_the_root_do_not_count() -> None:
    """Subscriptions that differ in the cursor and in the filter show a change alike."""
    assert selection(short=True, after="x", kinds=["A"]) == selection(short=True, after="y", kinds=["B"])


def test_variables_below_count() -> None:
    """Variables in directives and arguments below the root count, also in fragments; null differs from absent."""
    found = [
        selection(short=True),
        selection(short=False),
        selection(short=True, first=1),
        selection(short=True, first=2),
        selection(short=True, first=None),
    ]
    assert len(set(found)) == len(found)


def test_a_variable_at_the_root_and_below_counts() -> None:
    """The cursor after which a subscription continues may also be an argument below."""
    text = "subscription A($after: Cursor) { changes(after: $after) { subject { history(after: $after) { id } } } }"
    assert selection(text, after="x") != selection(text, after="y")


def test_long_variables_take_no_memory() -> None:
    """Of variables with 600 KB of text a digest is kept; they still distinguish two selections."""
    text = "subscription B($value: String) { changes { subject { search(text: $value) } } }"
    first, second = (selection(text, name="B", value="\U0001f600" * 150_000 + end) for end in "ab")
    assert first != second
    assert isinstance(first, tuple)
    assert sum(map(len, first)) < 200


def test_the_document_and_the_operation_count() -> None:
    """Another text, or another operation of the same text, is another selection; so is a text that is unknown."""
    assert selection(name="A") != selection(name="B")
    assert selection(name="B") != selection(DOCUMENT + " ", name="B")
    assert selection(name="B", located=False) != selection(name="B", located=False)
