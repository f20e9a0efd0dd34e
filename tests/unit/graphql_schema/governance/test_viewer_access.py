"""The rights of the viewer: the names of the actions, and the restriction on the author of an asset."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from support.estates.plain_rows import PlainAccess, plain_row

from graphql_schema.governance import viewer_access as module
from graphql_schema.governance.viewer_access import AccessAction, resolve_viewer_access
from policies.cedar.rights import EXPLAINED
from policies.decision import Right, Rights
from policies.vocabulary import RowAction


@dataclass
class Explained(PlainAccess):
    """Access with fixed rights."""

    fixed: Rights = field(default_factory=Rights)

    def rights(self) -> Rights:
        """Return the fixed rights."""
        return self.fixed


def rights_of(viewer: str, allowed: bool, **values: Any) -> dict[str, str | None]:  # noqa: FBT001 - a case
    """Return the restriction of each right of a viewer, of whom all actions are allowed or none."""
    rights = tuple(Right(each.name, allowed) for each in (RowAction.READ, *EXPLAINED))
    access = Explained(fixed=Rights(("a: It is open.",), rights))
    source = resolve_viewer_access(plain_row("MODEL_VERSION", "m", access, version="1", createdBy="ada", **values))
    info: Any = SimpleNamespace(context=SimpleNamespace(principal=SimpleNamespace(subject=viewer)))
    assert module._because(source) == ("a: It is open.",)  # noqa: SLF001 - a resolver
    return {each.action: each.restriction for each in module._rights(source, info)}  # noqa: SLF001 - a resolver


def test_the_actions_are_those_of_the_policy() -> None:
    """The enum has each explained action, in the order in which rights are listed."""
    assert [each.name for each in AccessAction] == [RowAction.READ.name, *(each.name for each in EXPLAINED)]


def test_the_author_of_an_asset_does_not_approve_it() -> None:
    """Who registered an asset, or changed its content, reads so at the right to approve, and at no other."""
    assert not any(rights_of("eli", allowed=True).values())
    for found in (rights_of("ada", allowed=True), rights_of("eli", allowed=True, madeBy=["ada", "eli"])):
        restrictions = {action: text for action, text in found.items() if text}
        assert [*restrictions] == ["APPROVE"]
        assert "another person must approve it" in str(restrictions["APPROVE"])
    assert not any(rights_of("ada", allowed=False).values())
