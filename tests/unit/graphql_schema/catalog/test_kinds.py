"""The kinds of the catalog: names, parents, and what follows from them."""

from graphql_schema.catalog.enums import AssetKind
from graphql_schema.catalog.kinds import ALL_KINDS, ASSETS, KIND_OF_CODE, KIND_OF_SLUG, KINDS, Kind


def test_names_slugs_and_codes_are_unique() -> None:
    """Two kinds with one slug or code would share ids or records."""
    assert len(KIND_OF_SLUG) == len(KIND_OF_CODE) == len(ALL_KINDS)


def test_the_parent_of_a_version_or_part_is_an_asset() -> None:
    """A parent outside the catalog, or without a policy of its own, would leave its children without owners."""
    children = [kind for kind in KINDS.values() if kind.parent]
    assert {kind.name for kind in children} >= {"DatasetVersion", "ModelVersion", "Feature"}
    assert [kind.name for kind in children if kind.parent not in ASSETS or not kind.asset] == []
    assert [kind.name for kind in children if kind.versioned] == [kind.name for kind in children if kind.version_of]


def test_a_kind_belongs_to_the_concept_of_its_slug_unless_it_names_another() -> None:
    """The first word of the slug is the file of the kind, so that a pair such as asset and version shares one."""
    assert Kind("PromptVersion", "prompt-version").concept == "prompt"
    assert Kind("Answer", "answer", declared_in="prompt").concept == "prompt"


def test_the_enum_has_the_assets_with_their_descriptions() -> None:
    """`AssetKind` is made from the catalog: every asset, in order, with a description, and nothing else."""
    assert [kind.name for kind in AssetKind] == [KINDS[name].code for name in ASSETS]
    assert [name for name in ASSETS if not KINDS[name].description] == []
