"""Parsed documents: the same for short and long texts, with coded errors."""

import gc
from random import Random

import pytest
from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    Source,
    Token,
    parse,
)
from hypothesis import given
from hypothesis import strategies as st

from graphql_schema.execution.side_thread import run_aside
from graphql_schema.operation.parsed_documents import LONG_DOCUMENT, CountedSource, ParsedDocuments, parsed
from policies.errors import CodedError

PADDING = "#" + "-" * LONG_DOCUMENT + "\n"
IGNORED = st.text("\r\n ,", min_size=1)
"""What may be between two fields: all three ends of a line, and characters on it."""


@pytest.mark.parametrize("padding", ["", PADDING], ids=["short", "long"])
async def test_a_document_is_parsed_once(padding: str) -> None:
    """The parser of graphql-core gives the same document, and a second call returns that of the first one."""
    documents, text = ParsedDocuments(tokens=10), padding + "{ a b }"
    first = await documents.parse(text)
    assert first == parse(text)
    assert await documents.parse(text) is first


@pytest.mark.parametrize(("text", "is_shared"), [("{ a }", True), ('{ a(id: "x") }', False)])
async def test_a_document_with_a_text_is_found_by_its_caller_only(text: str, *, is_shared: bool) -> None:
    """A document that another caller sent, valid or not, discloses itself by no time unless it has variables only."""
    documents, ada, bo = ParsedDocuments(tokens=20), ("default", "ada"), ("default", "bo")
    document = await documents.parse(text, ada)
    assert documents.recent(text, bo) is (document if is_shared else None)
    assert await documents.parse(text, ada) is document
    assert (await documents.parse(text, bo) is document) is is_shared


@pytest.mark.parametrize("padding", ["", PADDING], ids=["short", "long"])
@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("{ a", "BAD_REQUEST", "Syntax Error: Expected Name, found <EOF>."),
        (
            "{" + " a" * 10 + "}",
            "LIMIT_EXCEEDED",
            "The document has more than 10 tokens; move values into variables, or send several smaller documents.",
        ),
    ],
)
async def test_an_error_of_the_parser_has_a_code(padding: str, text: str, code: str, message: str) -> None:
    """A mistake keeps its message and its place; too many tokens are a limit."""
    with pytest.raises(GraphQLSyntaxError) as error:
        await ParsedDocuments(tokens=10).parse(padding + text)
    cause = error.value.original_error
    assert isinstance(cause, CodedError)
    assert (cause.code.value, cause.message) == (code, message)
    assert error.value.locations is not None


@given(st.text("\r\na"))
def test_an_error_has_the_line_that_graphql_core_finds(text: str) -> None:
    """Lines and columns agree for all three ends of a line; no token begins within one."""
    for position in range(len(text) + 1):
        if text[position - 1 : position + 1] != "\r\n":
            assert CountedSource(text).get_location(position) == Source(text).get_location(position)


def test_the_lines_of_a_text_are_found_once() -> None:
    """The text is not read again, neither for the same place nor for another one."""
    source = CountedSource("\n" * 60_000 + "{ a b }")
    assert source.get_location(60_002) == (60_001, 3)
    source.body = ""
    assert source.get_location(60_002) == (60_001, 3)
    assert source.get_location(60_004) == (60_001, 5)


@given(st.lists(st.tuples(IGNORED, st.sampled_from(["a", "bc"])), min_size=1), st.randoms())
def test_errors_of_several_nodes_have_the_lines_that_graphql_core_finds(
    parts: list[tuple[str, str]], random: Random
) -> None:
    """Their locations are in the order of the nodes, also if one is there twice, as with the source of graphql-core."""
    text = "{" + "".join(ignored + name for ignored, name in parts) + "}"
    fields = fields_of(parsed(text, tokens=1_000))
    nodes = random.choices(fields, k=len(fields) + 1)
    source, positions = Source(text), [node.loc.start for node in nodes if node.loc]
    expected = [source.get_location(position) for position in positions]
    assert GraphQLError("wrong", nodes).locations == expected
    assert GraphQLError("wrong", source=source, positions=positions).locations == expected


def test_errors_of_several_nodes_scan_the_text_once() -> None:
    """All errors after the first one are located without the text, also those of two fields that are merged."""
    fields = fields_of(parsed("{" + "\n" * 60_000 + "a b a }", tokens=10))
    expected = [(60_001, 1), (60_001, 5)]
    assert GraphQLError("wrong", fields[::2]).locations == expected
    source = fields[0].loc and fields[0].loc.source
    assert isinstance(source, CountedSource)
    source.body = ""
    for _ in range(3):
        assert GraphQLError("wrong", fields[::2]).locations == expected


async def test_errors_have_the_source_that_counts_once() -> None:
    """The source of a document counts its lines once, also the source in an error of the parser."""
    [operation] = (await ParsedDocuments(tokens=10).parse("{ a }")).definitions
    assert operation.loc is not None
    assert isinstance(operation.loc.source, CountedSource)
    with pytest.raises(GraphQLSyntaxError) as error:
        await ParsedDocuments(tokens=10).parse("{ a")
    assert isinstance(error.value.source, CountedSource)


@pytest.mark.parametrize("padding", ["", PADDING], ids=["short", "long"])
@pytest.mark.parametrize("end", ["", "}", " b" * 1_000, " {b" * 2_000], ids=["valid", "wrong", "too many", "too deep"])
async def test_a_document_is_freed_without_a_garbage_collection(padding: str, end: str) -> None:
    """It is in no cycle of references: collections hold the event loop, and what outlives one is not visited again.

    The same holds for a text that is no document, even while its error is referred to, as it is by its own frames.
    """
    errors = []
    documents = ParsedDocuments(tokens=1_000 if "{" not in end else 10_000)
    gc.collect()
    gc.disable()
    try:
        before = _tokens()
        try:
            await documents.parse(padding + "query A($v: Int) { a(b: $v) { ...f } } fragment f on T { c }" + end)
            assert _tokens() > before
        except GraphQLSyntaxError as error:
            errors.append(error)
        assert bool(errors) == bool(end)
        documents = ParsedDocuments(tokens=1)
        await run_aside(int)  # the side thread forgets its last result
        assert _tokens() == before
    finally:
        gc.enable()


def fields_of(document: DocumentNode) -> list[FieldNode]:
    """Return the fields of the only operation of a document."""
    [operation] = document.definitions
    assert isinstance(operation, OperationDefinitionNode)
    return [each for each in operation.selection_set.selections if isinstance(each, FieldNode)]


def _tokens() -> int:
    return sum(type(each) is Token for each in gc.get_objects())
