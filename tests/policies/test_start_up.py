"""Start-up: a policy that is wrong anywhere stops the process and says where."""

from collections.abc import Callable, Collection
from pathlib import Path

import pytest

from policies.errors import ConfigurationError
from policies.governed import Governed
from policies.policy import Policy

COORDINATES = {"Model": ["id", "task"], "ModelVersion": ["id", "params"]}
LABELS = '[Asset]\nid = "public"\n[Model]\ntask = "internal"\n[ModelVersion]\nparams = "restricted"\n'
RULE = '@id("open") @doc("Is it open?") permit(principal, action == Action::"read", resource)'
GOOD = f'{RULE} when {{ resource.visibility == "ORG" }};'

Load = Callable[..., Policy]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Load a folder with the given rules and labels."""

    def from_texts(
        rules: str = GOOD, labels: str = LABELS, coordinates: dict[str, Collection[str]] | None = None
    ) -> Policy:
        (tmp_path / "rows.cedar").write_text(rules)
        (tmp_path / "labels.toml").write_text(labels)
        return Policy.load(tmp_path, Governed(coordinates or COORDINATES))

    return from_texts


@pytest.mark.parametrize(
    ("rules", "complaint"),
    [
        (f'{RULE} when {{ resource.visibilty == "ORG" }};', r"open: .*`visibilty` .* not found.*Correct"),
        (f'{RULE} when {{ principal.teams == "ORG" }};', r"open: .*not compatible"),
        (GOOD.replace('"read"', '"reed"'), r'open: .*unrecognized action `Action::"reed"`'),
        (GOOD.replace('"read"', '"Model.tusk"'), r'open: .*unrecognized action `Action::"Model.tusk"`'),
        (GOOD.replace('@id("open")', ""), r"policy0 has no @id: give it one"),
        (GOOD.replace('@doc("Is it open?")', ""), r"open has no @doc: write the question"),
        (GOOD + GOOD, r"Several policies have the @id open"),
        (GOOD[:-1], r"cannot be parsed.*Correct the Cedar text"),
        (GOOD.replace("principal,", "principal == ?principal,"), r"templates are not supported"),
        (f"{RULE} when {{ context.reason == 1 }};", r"open: .*reason"),
    ],
)
def test_a_wrong_rule_stops_the_start_up(load: Load, rules: str, complaint: str) -> None:
    """Misspelt names, unknown actions and rules without identity are refused with the policy's id."""
    with pytest.raises(ConfigurationError, match=complaint):
        load(rules)


@pytest.mark.parametrize(
    ("labels", "complaint"),
    [
        (LABELS.replace("task =", "tusk ="), r"Model.task has no label: add a line under \[Model\]"),
        (LABELS.replace("task =", "tusk ="), r"Model.tusk has a label and does not exist"),
        (LABELS + '[Mdoel]\ntask = "internal"\n', r"\[Mdoel\] is no governed type"),
        (LABELS.replace('"internal"', '"intern"'), r"Model.task has the unknown label 'intern'"),
        (LABELS.replace('id = "public"\n', 'id = "public"\nname = "public"\n'), r"Model.name has a label and does not"),
        ('id = "public"\n' + LABELS, r"id stands outside a section"),
        ("[Asset", r"cannot be read as TOML"),
        (LABELS.replace('"internal"', "[1]"), r"Model.task has the unknown label \[1\]"),
    ],
)
def test_wrong_labels_stop_the_start_up(load: Load, labels: str, complaint: str) -> None:
    """A field without a label, a label without a field and an unknown label are each named."""
    with pytest.raises(ConfigurationError, match=complaint):
        load(labels=labels)


def test_a_new_field_needs_a_label(load: Load) -> None:
    """Every type with an unlabelled field is named, so the schema cannot grow past the policy."""
    with pytest.raises(ConfigurationError, match=r"ModelVersion.digest has no label"):
        load(coordinates={**COORDINATES, "ModelVersion": ["id", "params", "digest"]})


def test_a_folder_without_rules_is_refused(tmp_path: Path) -> None:
    """An empty folder is a mistake, not a policy that denies everything."""
    with pytest.raises(ConfigurationError, match=r"no \*\.cedar file"):
        Policy.load(tmp_path, Governed(COORDINATES))


def test_the_version_follows_rules_and_labels(load: Load) -> None:
    """The same text has the same version; another rule or another label has another."""
    versions = [
        load().version,
        load().version,
        load(GOOD + " ").version,
        load(labels=LABELS.replace("restricted", "secret")).version,
    ]
    assert versions[0] == versions[1]
    assert len(set(versions)) == 3
