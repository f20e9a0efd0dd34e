"""Lazy references lead to the types that they name."""

from typing import get_args

import pytest

from graphql_schema.fields import refs
from graphql_schema.fields.refs import ref
from graphql_schema.registry.entries import REGISTRY


@pytest.mark.parametrize("name", REGISTRY)
def test_a_reference_leads_to_the_type_of_the_kind(name: str) -> None:
    """The file comes from the catalog, so that a type file can refer to any kind without an import."""
    named, lazy = get_args(ref(name))
    assert lazy.resolve_forward_ref(named).resolve_type() is REGISTRY[name].node


@pytest.mark.parametrize("constant", [name for name in vars(refs) if name.endswith("Ref") and name != "TypeRef"])
def test_a_constant_refers_to_the_type_of_its_name(constant: str) -> None:
    """``CheckRef`` refers to ``Check``, of a kind or not."""
    named, lazy = get_args(getattr(refs, constant))
    assert lazy.resolve_forward_ref(named).resolve_type().__name__ == constant.removesuffix("Ref")


def test_a_reference_to_an_unknown_kind_is_refused() -> None:
    """A type file without a line of the catalog stops the import with the place of that line."""
    with pytest.raises(ValueError, match=r"Trial is no kind .* graphql_schema/catalog/kinds\.py"):
        ref("Trial")
