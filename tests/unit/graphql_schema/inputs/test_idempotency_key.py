"""Idempotency keys: a key belongs to one payload, in whatever order its fields are written."""

# mypy: disable-error-code="arg-type"
# An ID is written as plain text.

from typing import Any

import pytest
import strawberry

from graphql_schema.assets.dataset import ColumnInput, ColumnRefInput, DatasetInput
from graphql_schema.assets.model import ModelInput
from graphql_schema.catalog.enums import RiskTier
from graphql_schema.execution.side_thread import run_at_once
from graphql_schema.fields.value_types import PropertyInput
from graphql_schema.inputs import idempotency_key
from graphql_schema.inputs.idempotency_key import digest_steps, key_in, key_within
from graphql_schema.inputs.input_size import LONG_INPUT
from graphql_schema.inputs.values import InputError
from graphql_schema.ports.commands import IdempotencyKey
from graphql_schema.registry.asset_input import AssetInput
from graphql_schema.registry.bulk import RegisterAssetsInput

DATA = "mlg://dataset/s3/raw/clicks"
MODEL = "mlg://model/mlflow/default/ranker"


def model(**values: Any) -> ModelInput:
    """Return the input of one model."""
    return ModelInput(id=MODEL, **values)


def digest_of(given: object) -> str:
    """Return the digest of an input, made without a pause."""
    return run_at_once(digest_steps(given))


def test_a_key_comes_with_the_digest_of_its_input() -> None:
    """An input without a key, or with a null one, has none."""
    given = model(idempotency_key="build-7")
    assert key_in(given) == IdempotencyKey("build-7", digest_of(given), input_type="ModelInput")
    assert key_in(model()) is key_in(model(idempotency_key=None)) is None
    assert key_in(model(idempotency_key=strawberry.UNSET)) is None


def test_the_digest_covers_every_value_but_the_key_and_the_dry_run() -> None:
    """Another value, a null, another order of a list and another enum make another digest."""
    payloads = [
        model(),
        model(task="ranking"),
        model(task=None),
        model(risk_tier=RiskTier.HIGH),
        model(risk_tier=RiskTier.LOW),
        model(properties=[PropertyInput(key=key, value="v") for key in "ab"]),
        model(properties=[PropertyInput(key=key, value="v") for key in "ba"]),
    ]
    assert len({digest_of(given) for given in payloads}) == len(payloads)
    assert digest_of(model(idempotency_key="a")) == digest_of(model(idempotency_key="b"))
    assert digest_of(model(dry_run=True)) == digest_of(model())
    assert digest_of(model(task="t", description="d")) == digest_of(model(description="d", task="t"))


def test_a_digest_is_the_same_in_every_process() -> None:
    """Receipts are stored for 24 hours, so the form must not change: SHA-256 of JSON with ordered keys."""
    # printf '{"dryRun":false,"expectedRevision":null,"id":"mlg://model/mlflow/default/ranker"}' | sha256sum
    assert digest_of(model()) == "cde1b3d25ea88f01417763fcee70e1c866042995f589703d4f465714efcbf9cf"


def test_a_long_payload_has_the_digest_of_its_json_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Others have turns between its elements, and the digest is that of the JSON in one part, as receipts have it."""
    long = [PropertyInput(key=f"\u00e9{number}", value='"') for number in range(LONG_INPUT + 1)]
    links = [ColumnRefInput(dataset=DATA, column=str(number)) for number in range(LONG_INPUT + 1)]
    columns = [ColumnInput(name="a", derived_from=links), ColumnInput(name="b", derived_from=[])]
    item: Any = AssetInput
    items = [item(dataset=DatasetInput(id=DATA, columns=columns)), item(model=model(properties=long))]
    given = RegisterAssetsInput(items=items, dry_run=True, atomic=None, idempotency_key="k")
    found = digest_of(given)
    assert sum(1 for _ in digest_steps(given)) > 2 * LONG_INPUT
    assert key_in(given) == IdempotencyKey("k", found, input_type="RegisterAssetsInput")
    monkeypatch.setattr(idempotency_key, "is_long", lambda _: False)
    assert sum(1 for _ in digest_steps(given)) == 1
    assert digest_of(given) == found


@pytest.mark.parametrize(
    ("text", "accepted"), [("x", True), ("x" * 255, True), ("", False), ("x" * 256, False), ("a\0b", False)]
)
def test_a_key_has_1_to_255_characters(text: str, *, accepted: bool) -> None:
    """NUL separates the parts of a stored name, so no key contains it."""
    if accepted:
        assert (key_in(model(idempotency_key=text)) or IdempotencyKey("", "")).text == text
    else:
        with pytest.raises(InputError) as refused:
            key_in(model(idempotency_key=text))
        assert refused.value.path == ("idempotencyKey",)


def test_the_items_of_a_call_have_keys_of_their_own() -> None:
    """They differ by index, and name the key of the call."""
    call = IdempotencyKey("build-7", "digest")
    first, second = key_within(call, 0), key_within(call, 1)
    assert first.text != second.text
    assert (first.digest, first.call) == ("digest", call)
    with pytest.raises(InputError):
        key_in(model(idempotency_key=first.text))
