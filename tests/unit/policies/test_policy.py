"""Start-up: a policy that is wrong anywhere stops the process and says where."""

from collections.abc import Callable, Collection
from pathlib import Path

import pytest

from policies.errors import ConfigurationError
from policies.governed import Governed
from policies.policy import Policy
from policies.vocabulary import Labels

COORDINATES = {"Model": ["id", "task"], "ModelVersion": ["id", "params"]}
LABELS = '[Asset]\nid = "public"\n[Model]\ntask = "internal"\n[ModelVersion]\nparams = "restricted"\n'
RULE = '@id("open") @doc("Is it open?") permit(principal, action == Action::"read", resource)'
GOOD = f'{RULE} when {{ resource.visibility == "ORG" }};'

Load = Callable[..., Policy]
LoadGoverned = Callable[..., Policy]


@pytest.fixture
def load_governed(tmp_path: Path) -> LoadGoverned:
    """Load a folder for what is known of a schema, with the given rules."""

    def for_schema(governed: Governed, rules: str = GOOD) -> Policy:
        (tmp_path / "rows.cedar").write_text(rules)
        (tmp_path / "labels.toml").write_text(LABELS)
        return Policy.load(tmp_path, governed)

    return for_schema


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
        (GOOD.replace('@id("open")', ""), r"policy0 has no @id. Give it an @id"),
        (GOOD.replace('@doc("Is it open?")', ""), r"open has no @doc. Write its condition"),
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
        (LABELS + '[Mdoel]\ntask = "internal"\n', r"\[Mdoel\] is not a governed type"),
        (LABELS.replace('"internal"', '"intern"'), r"Model.task has the unknown label 'intern'"),
        (LABELS.replace('id = "public"\n', 'id = "public"\nname = "public"\n'), r"Model.name has a label and does not"),
        ('id = "public"\n' + LABELS, r"id is outside of a section"),
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


def test_what_can_never_be_null_must_be_public(load_governed: LoadGoverned) -> None:
    """A non-null field under a closer label stops the start-up: nothing could hide it without breaking its row."""
    governed = Governed(COORDINATES, fixed=frozenset({"Model.id", "Model.task"}))
    with pytest.raises(ConfigurationError, match=r"Model.task is non-null.*label it public, or make it nullable"):
        load_governed(governed)
    load_governed(Governed(COORDINATES, fixed=frozenset({"Model.id"})))


def test_a_derived_field_is_held_as_its_inputs(load_governed: LoadGoverned) -> None:
    """A field that is made from a closer one, of its own or another type, takes the closer label."""
    derived = {"Model.task": frozenset({"ModelVersion.params", "Model.id"})}
    complaint = r"Model.task is internal and derived from ModelVersion.params, which is restricted: label Model.task re"
    with pytest.raises(ConfigurationError, match=complaint):
        load_governed(Governed(COORDINATES, derived=derived))
    load_governed(Governed(COORDINATES, derived={"ModelVersion.params": frozenset({"Model.task"})}))


def test_edges_have_labels_of_their_own(load_governed: LoadGoverned) -> None:
    """What every asset has is no label of an edge: its fields need lines of their own."""
    with pytest.raises(ConfigurationError, match=r"Neighbour.id has no label: add a line under \[Neighbour\]"):
        load_governed(Governed(COORDINATES, {"Neighbour": ["id"]}))


@pytest.mark.parametrize("action", ['== Action::"Model.id"', 'in Action::"public"', 'in [Action::"Model.id"]'])
def test_a_forbid_in_vain_stops_the_start_up(load_governed: LoadGoverned, action: str) -> None:
    """Forbidding what can never be null would do nothing, so it is refused; forbidding the row is the way."""
    governed = Governed(COORDINATES, fixed=frozenset({"Model.id"}))
    forbid = f'@id("vain") @doc("?") forbid(principal, action {action}, resource);'
    with pytest.raises(ConfigurationError, match=r"Policy vain forbids Model.id, which is non-null"):
        load_governed(governed, GOOD + forbid)
    everything = '@id("all") @doc("?") forbid(principal, action, resource) when { resource.stage == "DRAFT" };'
    load_governed(governed, GOOD + everything)


@pytest.mark.parametrize(
    ("rule", "construct"),
    [
        ('resource.ownerTeam like "mlg:*"', "the construct Like is not supported"),
        ("resource.ownerTeam == resource.stage", "is compared with something other than a string"),
        ('[resource.stage].contains("DRAFT")', "a set contains something other than strings"),
    ],
)
def test_a_field_rule_must_be_a_filter_too(load: Load, rule: str, construct: str) -> None:
    """Rules about one field or a label are compiled as rules about rows are, and refused when they cannot be."""
    for action in ('== Action::"ModelVersion.params"', 'in Action::"restricted"', '== Action::"discover"'):
        text = f'@id("odd") @doc("?") permit(principal, action {action}, resource) when {{ {rule} }};'
        with pytest.raises(ConfigurationError, match=f"Policy odd .* cannot be compiled .*{construct}"):
            load(GOOD + text)


def test_a_rule_names_no_single_asset(load: Load) -> None:
    """Rows are filtered by attributes: a scope that names one asset is refused."""
    rule = '@id("one") @doc("?") permit(principal, action == Action::"read", resource == Asset::"a");'
    with pytest.raises(ConfigurationError, match=r"Policy one .* its scope names one Asset"):
        load(GOOD + rule)


def test_missing_labels_are_refused(tmp_path: Path) -> None:
    """A folder with rules and no labels file says which file cannot be read."""
    (tmp_path / "rows.cedar").write_text(GOOD)
    with pytest.raises(ConfigurationError, match=r"labels.toml cannot be read.*Repair the file"):
        Policy.load(tmp_path, Governed(COORDINATES))


def test_the_shipped_policy_is_held_to_the_real_schema(labels: Labels, shipped: str, governed: Governed) -> None:
    """A field more in the schema, or one non-null, does not start with the labels and rules as shipped."""
    assert Policy(shipped, labels, governed).labels == labels
    grown = Governed({**governed.assets, "Model": [*governed.assets["Model"], "weights"]}, governed.edges)
    with pytest.raises(ConfigurationError, match=r"Model.weights has no label"):
        Policy.load(None, grown)
    firm = Governed(governed.assets, governed.edges, frozenset({*governed.fixed, "Run.error"}), governed.derived)
    with pytest.raises(ConfigurationError, match=r"Run.error is non-null"):
        Policy.load(None, firm)
    derived = {**governed.derived, "Run.state": frozenset({"Run.error"})}
    with pytest.raises(ConfigurationError, match=r"Run.state is internal and derived from Run.error, which is secret"):
        Policy.load(None, Governed(governed.assets, governed.edges, governed.fixed, derived))


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
