"""The API contract: names, types, arguments and defaults change on purpose only."""

from contract.sdl.api_contract import CONTRACT, without_descriptions

from graphql_schema.schema import sdl


def test_the_schema_is_the_committed_contract() -> None:
    """The built schema, its descriptions removed, is ``contract.graphql``; its module writes the file again."""
    assert without_descriptions(sdl()) == CONTRACT.read_text(), (
        "Run `.venv/bin/python tests/contract/sdl/api_contract.py`."
    )


def test_the_contract_is_blind_to_descriptions_only() -> None:
    """A changed description leaves the contract as it is; a changed argument, default or directive does not."""
    schema = (
        'type Query {\n  "Counts."\n  count(\n    "Of what."\n    of: Int = 1\n  ): Int @deprecated(reason: "old")\n}'
    )
    contract = without_descriptions(schema)
    assert contract == 'type Query {\n  count(of: Int = 1): Int @deprecated(reason: "old")\n}\n'
    assert without_descriptions(schema.replace("Counts.", "Adds up.").replace("Of what.", "Of which.")) == contract
    assert without_descriptions(schema.replace("= 1", "= 2")) != contract
