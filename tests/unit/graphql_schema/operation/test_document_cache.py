"""Known documents: one text is parsed and validated once, within a bound, and everything else is examined each time."""

from collections import Counter, OrderedDict
from pathlib import Path
from sys import getsizeof
from typing import Any

import pytest
import strawberry
from graphql import parse

from graphql_schema.execution.plan import STEP_BYTES
from graphql_schema.operation import admission, parsed_documents
from graphql_schema.operation.document_cache import TOKEN_BYTES, DocumentCache
from graphql_schema.operation.limited_schema import OperationSchema
from policies.errors import CodedError

ROOT = Path(__file__).parents[4]
TWO = "query A { x } query B { y: x }"


@strawberry.type
class Query:
    """A type with one field and a list."""

    @strawberry.field
    def x(self) -> int:
        """Return a number."""
        return 1

    @strawberry.field
    def items(self, first: int = 1) -> list["Query"]:
        """Return a list."""
        return [Query()] * first


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count the calls of the parser and the validation."""
    counted: Counter[str] = Counter()
    for module, name in ((parsed_documents, "parsed"), (admission, "validate")):
        function = getattr(module, name)

        def count(*args: Any, _name: str = name, _function: Any = function, **options: Any) -> Any:
            counted[_name] += 1
            return _function(*args, **options)

        monkeypatch.setattr(module, name, count)
    return counted


async def test_a_document_is_parsed_and_validated_once(calls: Counter[str]) -> None:
    """The second execution has the same result without parsing, also of another operation of the document."""
    schema = OperationSchema(Query)
    first = await schema.execute(TWO, operation_name="A")
    again = await schema.execute(TWO, operation_name="A")
    other = await schema.execute(TWO, operation_name="B")
    assert (first.data, again.data, other.data) == ({"x": 1}, {"x": 1}, {"y": 1})
    assert calls == {"parsed": 1, "validate": 1}


async def test_a_refused_document_is_not_known(calls: Counter[str]) -> None:
    """A document with errors is validated again, and has the same errors; it is parsed once."""
    schema = OperationSchema(Query)
    messages = [[error.message for error in (await schema.execute("{ z }")).errors or []] for _ in range(2)]
    assert messages[0] == messages[1] == ["Cannot query field 'z' on type 'Query'. Did you mean 'x'?"]
    assert calls == {"parsed": 1, "validate": 2}


async def test_a_known_document_is_refused_for_its_request() -> None:
    """The name of the operation, and the cost by the variables, are examined although the document is known."""
    schema = OperationSchema(Query)
    text = "query ($first: Int) { items(first: $first) { x } }"
    assert (await schema.execute(text, {"first": 2})).errors is None
    (error,) = (await schema.execute(text, {"first": 60_000})).errors or []
    assert isinstance(error.original_error, CodedError)
    assert error.original_error.extensions["limit"] == "objects"
    assert (await schema.execute(TWO, operation_name="A")).errors is None
    (error,) = (await schema.execute(TWO)).errors or []
    assert "no `operationName`" in error.message


def test_the_size_of_all_documents_is_bounded() -> None:
    """Those used longest ago are dropped; a document above the bound is not kept, and drops no other."""
    texts = ["{ a }", "{ b }", "{ c }"]
    size = 5 * TOKEN_BYTES + getsizeof(texts[0])  # five tokens, with those of the begin and the end
    known = DocumentCache(max_bytes=2 * size)
    for text in texts[:2]:
        known.add(text, parse(text))
    assert known.get(texts[0])
    known.add(texts[2], parse(texts[2]))
    known.add(texts[2], parse(texts[2]))
    many_tokens, long_text, many_lines = (
        "{ a b c d e f g h i j k }",
        "{ a } #" + "😀" * size,
        "{ a }" + "\n" * (size // 2),
    )
    for text in (many_tokens, long_text, many_lines):
        known.add(text, parse(text))
    assert [known.get(text) is not None for text in (*texts, many_tokens, long_text, many_lines)] == [
        True,
        False,
        True,
        False,
        False,
        False,
    ]


ADA, BO = ("default", "ada"), ("default", "bo")
SIZE = 5 * TOKEN_BYTES + getsizeof("{ a }")


@pytest.mark.parametrize(
    ("text", "is_shared"),
    [
        ("{ a }", True),
        ("query Q($id: ID!) { a(id: $id, first: 500, kinds: [MODEL], deep: true, after: null) }", True),
        ('{ a(id: "mlg://Model/x") }', False),
        ('{ a(filter: { any: [{ is: """x""" }] }) }', False),
        ('query Q($id: ID = "x") { a(id: $id) }', False),
        ("{ a(above: 0.5) }", False),
        ("{ a(of: 1000) }", False),
        ("{ a } # x", False),
    ],
)
def test_callers_share_no_document_with_a_value_of_their_own(text: str, *, is_shared: bool) -> None:
    """By its time, a caller who guesses the text would learn that another one sent it; clients send variables."""
    cache = DocumentCache()
    cache.add(text, parse(text), ADA)
    known = cache.get(text, ADA)
    assert known is not None
    assert cache.get(text, BO) is (known if is_shared else None)
    assert cache.get(text, ("other", ADA[1])) is None
    cache.add(text, parse(text), BO)
    assert (cache.get(text, BO) is known) is is_shared
    assert cache.get(text, ADA) is known


@pytest.mark.parametrize("path", ["web/src/documents", "clients/operations"])
def test_the_users_of_the_clients_share_their_documents(path: str) -> None:
    """Their documents have variables for values: else each user of the explorer has all of them examined again."""
    documents = [parse(each.read_text()) for each in (ROOT / path).glob("*.graphql")]
    cache = DocumentCache()
    for number, document in enumerate(documents):
        cache.add(str(number), document, ADA)
        assert cache.get(str(number), BO) is not None
    assert len(documents) > 3


def test_the_own_documents_of_callers_are_within_the_bound() -> None:
    """Each caller who sends a document with a value has an own one, which counts for that caller and grows alone."""
    text, size = '{ a(id: "") }', 10 * TOKEN_BYTES + getsizeof('{ a(id: "") }')
    cache = DocumentCache(max_bytes=3 * size - 1)
    for caller in (ADA, BO):
        cache.add(text, parse(text), caller)
    known = cache.get(text, ADA)
    assert known is not None
    known.plans.steps = 1
    cache.count_growth(text, BO)
    assert dict(cache._sizes) == {ADA: size, BO: size}  # noqa: SLF001 - whose documents are dropped first
    cache.count_growth(text, ADA)
    assert dict(cache._sizes) == {ADA: size + STEP_BYTES, BO: size}  # noqa: SLF001
    cache.add("#" + text, parse("#\n" + text), BO)
    assert cache.get(text, BO) is None
    assert cache.get(text, ADA) is known


def kept(cache: DocumentCache) -> str:
    """Return the names of the fields whose documents a cache has, of those from a to f."""
    return "".join(name for name in "abcdef" if cache.get(f"{{ {name} }}", BO))


def test_no_caller_displaces_the_documents_of_others() -> None:
    """Who has the most bytes loses documents, and what plans grow by is of who executed them."""
    cache = DocumentCache(max_bytes=4 * SIZE)
    for text, caller in (("{ a }", ADA), *((f"{{ {name} }}", BO) for name in "bcdef")):
        cache.add(text, parse(text), caller)
    assert kept(cache) == "adef"
    grown = cache.get("{ a }", BO)  # whose execution makes it grow
    assert grown is not None
    grown.plans.steps = SIZE
    assert cache.get("{ a }", ADA) is grown
    assert cache.get("{ a }", ADA) is None
    assert kept(cache) == ""


def test_what_is_not_used_is_dropped_first() -> None:
    """After ten minutes without a use a document goes before those in use, even if these are of one caller."""
    now = [0.0]
    cache = DocumentCache(max_bytes=4 * SIZE, clock=lambda: now[0])
    for name in "abc":
        cache.add(f"{{ {name} }}", parse(f"{{ {name} }}"), ("default", name))
    now[0] = 601.0
    for name in "def":
        cache.add(f"{{ {name} }}", parse(f"{{ {name} }}"), BO)
    assert kept(cache) == "cdef"


def test_plans_count_when_they_have_grown() -> None:
    """The steps that a use has planned count at the next use, and drop what was used longest ago."""
    cache = DocumentCache(30_000)
    for text in ("{ a }", "{ b }"):
        cache.add(text, parse(text))
    second = cache.get("{ b }")
    assert second is not None
    second.plans.steps = 40
    assert cache.get("{ b }") is second
    assert cache.get("{ a }") is None


def test_growth_counts_for_who_executed() -> None:
    """A document may grow by megabytes while others ask for it, and by a document less after it began again."""
    cache = DocumentCache(max_bytes=40_000)
    for text in ("{ a }", "{ b }"):
        cache.add(text, parse(text), ADA)
    grown = cache.get("{ b }", ADA)
    assert grown is not None
    assert cache.get("{ b }", BO) is grown
    grown.plans.steps = 20
    cache.count_growth("{ b }", ADA)
    assert cache._sizes[BO] == 0  # noqa: SLF001 - whose documents are dropped first
    assert cache._sizes[ADA] == 2 * SIZE + 20 * STEP_BYTES  # noqa: SLF001
    grown.plans.steps = 0
    cache.count_growth("{ b }", BO)
    assert dict(cache._sizes) == {ADA: 2 * SIZE}  # noqa: SLF001
    grown.plans.steps = 55
    cache.count_growth("{ b }", BO)
    assert cache.get("{ b }", BO) is None


def test_few_documents_are_looked_at_for_each_that_is_dropped() -> None:
    """Those of who has the most may all be behind thousands of others, and each would hold the event loop longer."""
    looked = [0]

    class Entries(OrderedDict[Any, Any]):
        def items(self) -> Any:
            for each in super().items():
                looked[0] += 1
                yield each

    cache, document = DocumentCache(max_bytes=700 * SIZE), parse("{ a }")
    cache._entries = Entries()  # noqa: SLF001 - in place of the time that it takes
    for caller, count in ((ADA, 300), (BO, 350)):
        for number in range(count):
            cache.add("{ a }" + (" " if caller == ADA else ",") * number, document, caller)
    cache.max_bytes = 500 * SIZE
    assert cache.get("{ a }", BO) is not None
    assert 100 < len(cache._entries) < 550  # noqa: SLF001
    assert looked[0] <= 650
