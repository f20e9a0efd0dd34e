"""Fields of filter inputs: the conditions that each declaration yields, and the limits of a filter."""

from collections.abc import Callable

import pytest
from strawberry import ID

from graphql_schema.catalog.enums import ChangeAction, LifecycleStage
from graphql_schema.fields import filters
from graphql_schema.fields.filter_fields import StringFilter, condition_of
from graphql_schema.fields.filters import AssetFilter, asset_listing
from graphql_schema.fields.scalars import Instant
from graphql_schema.governance.changes import ChangeFilter, change_condition
from graphql_schema.ports.conditions import (
    ALWAYS,
    MAX_FILTER_CONDITIONS,
    MAX_FILTER_DAYS,
    MAX_FILTER_IDS,
    MAX_FILTER_TEXT_LENGTH,
    MAX_PREFIX_BYTES,
    MAX_SUBSTRING_LENGTH,
    Above,
    All,
    Below,
    Contains,
    In,
    Negated,
    StartsWith,
)
from policies.errors import InvalidError


def test_a_list_of_enum_values_becomes_their_names() -> None:
    """Enum values are compared by name, as they are stored; ids and texts as they are; an empty list stays one."""
    given = AssetFilter(stages=[LifecycleStage.DRAFT, LifecycleStage.ACTIVE], ids=[ID("a")], tags=[])
    assert condition_of(given) == All((In("urn", ("a",)), In("tags", ()), In("stage", ("DRAFT", "ACTIVE"))))


def test_a_text_yields_one_condition_for_each_given_field() -> None:
    """All fields of a StringFilter must match; an empty prefix or substring, which every text has, adds none."""
    given = StringFilter(eq="a", in_=["b", "c"], prefix="d", contains="e")
    assert condition_of(AssetFilter(name=given)) == All(
        (In("name", ("a",)), In("name", ("b", "c")), StartsWith("name", "d"), Contains("name", "e"))
    )
    assert condition_of(AssetFilter(name=StringFilter(eq="", prefix="", contains=""))) == All((In("name", ("",)),))
    assert condition_of(AssetFilter(name=StringFilter())) == ALWAYS


def test_bounds() -> None:
    """`After` and `before` exclude their instant; `since` of changes includes its instant."""
    given = AssetFilter(updated_after=Instant(1), updated_before=Instant(2))
    assert condition_of(given) == All((Above("updatedAt", 1), Below("updatedAt", 2)))
    created = AssetFilter(created_after=Instant(1), created_before=Instant(2))
    assert condition_of(created) == All((Above("createdAt", 1), Below("createdAt", 2)))
    changes = ChangeFilter(since=Instant(1), until=Instant(2))
    assert condition_of(changes) == All((Negated(Below("createdAt", 1)), Below("createdAt", 2)))


def ids(number: int) -> list[ID]:
    """Return as many ids."""
    return [ID(str(each)) for each in range(number)]


def test_a_filter_of_assets_has_a_limit() -> None:
    """Values and conditions count, the filter itself and each combination too; one more than the limit is refused."""
    within = AssetFilter(tags=ids(MAX_FILTER_CONDITIONS - 3), not_=AssetFilter())
    asset_listing(within, None)
    within.created_after = Instant(1)
    with pytest.raises(InvalidError, match=f"{MAX_FILTER_CONDITIONS + 1} values"):
        asset_listing(within, None)


def test_ids_have_a_limit_of_their_own() -> None:
    """The ids of all parts of a filter count together, and beside them other values up to their own limit."""
    within = AssetFilter(ids=ids(MAX_FILTER_IDS - 1), or_=[AssetFilter(ids=ids(1))], tags=ids(100))
    asset_listing(within, None)
    within.or_ = [AssetFilter(ids=ids(2))]
    with pytest.raises(InvalidError, match=f"{MAX_FILTER_IDS + 1} ids; the limit is {MAX_FILTER_IDS}"):
        asset_listing(within, None)


def test_the_days_without_use_have_a_limit_of_their_own() -> None:
    """Each different `unusedForDays` takes listings of its own; equal ones are one, and with `unread` it is another."""
    days = [AssetFilter(unused_for_days=1 + each % MAX_FILTER_DAYS) for each in range(2 * MAX_FILTER_DAYS)]
    asset_listing(AssetFilter(or_=days), None)
    days[-1].unread = True
    with pytest.raises(InvalidError, match=f"{MAX_FILTER_DAYS + 1} different `unusedForDays`; the limit is"):
        asset_listing(AssetFilter(or_=days), None)


def test_a_long_list_is_refused_before_its_elements_become_terms(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hash of no element is made: a list is converted at once, and again for each object of a nested list."""
    made: list[str] = []

    def term(path: str) -> str:
        made.append(path)
        return path

    monkeypatch.setattr(filters, "path_term", term)
    asset_listing(AssetFilter(code_ref_ends_with=["a"]), None)
    with pytest.raises(InvalidError, match="`codeRefEndsWith` of the filter has 501 values"):
        asset_listing(AssetFilter(code_ref_ends_with=["b"] * (MAX_FILTER_IDS + 1)), None)
    assert made == ["a"]


def test_a_filter_of_changes_has_a_limit() -> None:
    """Values count; the two times, of which there are never more, do not."""
    within = ChangeFilter(subjects=ids(MAX_FILTER_CONDITIONS), since=Instant(1), until=Instant(2))
    assert change_condition(within) != change_condition(None)
    within.actions = [ChangeAction.LINKED]
    with pytest.raises(InvalidError, match=f"{MAX_FILTER_CONDITIONS + 1} values"):
        change_condition(within)


@pytest.mark.parametrize(
    ("name", "given", "limit"),
    [
        ("ids", lambda text: AssetFilter(ids=[ID(text)]), MAX_FILTER_TEXT_LENGTH),
        ("ownerTeams", lambda text: AssetFilter(owner_teams=[ID(text)]), MAX_FILTER_TEXT_LENGTH),
        ("name", lambda text: AssetFilter(name=StringFilter(in_=["a", text])), MAX_FILTER_TEXT_LENGTH),
        ("name", lambda text: AssetFilter(name=StringFilter(prefix=text)), MAX_PREFIX_BYTES),
        ("source", lambda text: AssetFilter(source=StringFilter(contains=text)), MAX_SUBSTRING_LENGTH),
    ],
)
def test_texts_have_a_limit(name: str, given: Callable[[str], AssetFilter], limit: int) -> None:
    """The longest text is accepted, and a longer one refused by the name of its field, wherever it is in the filter."""
    condition_of(given("x" * limit))
    long = given("x" * (limit + 1))
    for each in (long, AssetFilter(not_=AssetFilter(or_=[AssetFilter(), long]))):
        with pytest.raises(
            InvalidError, match=f"`{name}` of the filter.* {limit + 1} (characters|bytes); the limit is {limit}"
        ):
            condition_of(each)


def test_texts_of_a_filter_of_changes_have_a_limit() -> None:
    """The message has the name of the field in the schema, not that of the stored property."""
    with pytest.raises(InvalidError, match="`subjects` of the filter"):
        change_condition(ChangeFilter(subjects=[ID("x" * (MAX_FILTER_TEXT_LENGTH + 1))]))
