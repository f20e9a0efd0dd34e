"""Loading a policy: a wrong rule or label stops the start of the process with the place of the fault."""

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
    """Return a function that loads the usual labels and the given rules for a schema."""

    def for_schema(governed: Governed, rules: str = GOOD) -> Policy:
        (tmp_path / "rows.cedar").write_text(rules)
        (tmp_path / "labels.toml").write_text(LABELS)
        return Policy.load(tmp_path, governed)

    return for_schema


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Return a function that loads the given rules and labels, for the usual fields unless others are given."""

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
    """Misspelt names, unknown actions and rules without id or text are refused with the id of the rule."""
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
        ("[Asset", r"cannot be read: .*valid TOML"),
        (LABELS.replace('"internal"', "[1]"), r"Model.task has the unknown label \[1\]"),
    ],
)
def test_wrong_labels_stop_the_start_up(load: Load, labels: str, complaint: str) -> None:
    """The message names a field without a label, a label without a field, and an unknown label."""
    with pytest.raises(ConfigurationError, match=complaint):
        load(labels=labels)


def test_a_new_field_needs_a_label(load: Load) -> None:
    """A field that is added to the schema without a label stops the start, and the message names the field."""
    with pytest.raises(ConfigurationError, match=r"ModelVersion.digest has no label"):
        load(coordinates={**COORDINATES, "ModelVersion": ["id", "params", "digest"]})


def test_non_null_fields_must_be_public(load_governed: LoadGoverned) -> None:
    """A non-null field with another label than public stops the start: null cannot replace its value."""
    governed = Governed(COORDINATES, fixed=frozenset({"Model.id", "Model.task"}))
    with pytest.raises(ConfigurationError, match=r"Model.task is non-null.*label it public, or make it nullable"):
        load_governed(governed)
    load_governed(Governed(COORDINATES, fixed=frozenset({"Model.id"})))


def test_a_derived_field_has_the_label_of_its_inputs(load_governed: LoadGoverned) -> None:
    """A field derived from a field with a stronger label, of its own or another type, needs that label too."""
    derived = {"Model.task": frozenset({"ModelVersion.params", "Model.id"})}
    complaint = r"Model.task is internal and derived from ModelVersion.params, which is restricted: label Model.task re"
    with pytest.raises(ConfigurationError, match=complaint):
        load_governed(Governed(COORDINATES, derived=derived))
    load_governed(Governed(COORDINATES, derived={"ModelVersion.params": frozenset({"Model.task"})}))


def test_edges_have_labels_of_their_own(load_governed: LoadGoverned) -> None:
    """The labels under [Asset] do not apply to the type of an edge, which needs a section of its own."""
    with pytest.raises(ConfigurationError, match=r"Neighbour.id has no label: add a line under \[Neighbour\]"):
        load_governed(Governed(COORDINATES, {"Neighbour": ["id"]}))


@pytest.mark.parametrize("action", ['== Action::"Model.id"', 'in Action::"public"', 'in [Action::"Model.id"]'])
def test_a_forbid_of_a_non_null_field_stops_the_start_up(load_governed: LoadGoverned, action: str) -> None:
    """A forbid of a non-null field would have no effect and is refused; a forbid of the whole row is accepted."""
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
def test_a_field_rule_must_compile_to_a_filter(load: Load, rule: str, construct: str) -> None:
    """A rule about a field or a label that has no compiled form is refused, as a rule about rows is."""
    for action in ('== Action::"ModelVersion.params"', 'in Action::"restricted"', '== Action::"discover"'):
        text = f'@id("odd") @doc("?") permit(principal, action {action}, resource) when {{ {rule} }};'
        with pytest.raises(ConfigurationError, match=f"Policy odd .* cannot be compiled .*{construct}"):
            load(GOOD + text)


def test_a_rule_names_no_single_asset(load: Load) -> None:
    """A rule whose scope names one asset is refused, because rows are filtered by attributes."""
    rule = '@id("one") @doc("?") permit(principal, action == Action::"read", resource == Asset::"a");'
    with pytest.raises(ConfigurationError, match=r"Policy one .* its scope has an unsupported constraint on the Asset"):
        load(GOOD + rule)


def test_missing_labels_are_refused(tmp_path: Path) -> None:
    """A folder with rules and without labels.toml is refused, and the message names the file."""
    (tmp_path / "rows.cedar").write_text(GOOD)
    with pytest.raises(ConfigurationError, match=r"labels.toml cannot be read.*Check that the file exists"):
        Policy.load(tmp_path, Governed(COORDINATES))


def test_the_shipped_policy_fits_the_schema_only(labels: Labels, shipped: str, governed: Governed) -> None:
    """The shipped policy loads for the schema; an added, non-null or derived field stops the start."""
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
    """A folder without a *.cedar file is refused instead of denying everything."""
    with pytest.raises(ConfigurationError, match=r"no \*\.cedar file"):
        Policy.load(tmp_path, Governed(COORDINATES))


def test_the_version_depends_on_rules_and_labels(load: Load) -> None:
    """Equal rules and labels have equal versions; another rule or another label gives another version."""
    versions = [
        load().version,
        load().version,
        load(GOOD + " ").version,
        load(labels=LABELS.replace("restricted", "secret")).version,
    ]
    assert versions[0] == versions[1]
    assert len(set(versions)) == 3
