"""URNs for DataHub ids: every id has one of its own, and its parts keep their meaning (docs/import.md)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ingest.sources.datahub.aspect_files import Entity, Estate
from app.ingest.sources.datahub.names import Names, split, split_field

TABLE = "urn:li:dataset:(urn:li:dataPlatform:hive,db.Table,PROD)"
GROUP = "urn:li:mlModelGroup:(urn:li:dataPlatform:mlflow,ctr,PROD)"
PARTS = st.text(st.sampled_from("ab/%@"), min_size=1, max_size=4)


def urn(foreign: str, estate: Estate | None = None) -> str | None:
    """Return the URN of one id in an estate."""
    return Names(estate or Estate()).urn(foreign)


def model(name: str, group: str | None = None, version: str | None = None) -> tuple[str, dict[str, object]]:
    """Return the id of a model and its properties."""
    foreign = f"urn:li:mlModel:(urn:li:dataPlatform:mlflow,{name},PROD)"
    tag = {} if version is None else {"version": {"versionTag": version}}
    return foreign, {"groups": [] if group is None else [group], **tag}


def estate_of(*models: tuple[str, dict[str, object]]) -> Estate:
    """Return an estate with these models."""
    estate = Estate()
    for foreign, properties in models:
        estate.entity("mlModel", foreign).aspects["mlModelProperties"] = properties
    return estate


@pytest.mark.parametrize(
    ("foreign", "expected"),
    [
        ("urn:li:dataset:(a,(b,c),PROD)", ("dataset", ["a", "(b,c)", "PROD"])),
        ("urn:li:tag:x,y", ("tag", ["x,y"])),
        ("urn:li:corpuser:ada", ("corpuser", ["ada"])),
        ("urn:li:dataset:(a:b,c)", ("dataset", ["a:b", "c"])),
        ("urn:li:tag:(", ("tag", ["("])),
    ],
)
def test_an_id_is_split_at_its_outer_commas(foreign: str, expected: tuple[str, list[str]]) -> None:
    """Commas in nested parentheses belong to a part, and a key without parentheses is one part."""
    assert split(foreign) == expected


def test_the_id_of_a_column_is_split_into_dataset_and_path() -> None:
    """The path may contain commas."""
    assert split_field(f"urn:li:schemaField:({TABLE},a,b)") == (TABLE, "a,b")


@pytest.mark.parametrize(
    ("foreign", "expected"),
    [
        (TABLE, "mlg://dataset/hive/default/db.Table"),
        ("urn:li:dataset:(urn:li:dataPlatform:hive,db.Table,DEV)", "mlg://dataset/hive/DEV/db.Table"),
        ("urn:li:mlFeatureTable:(urn:li:dataPlatform:feast,users)", "mlg://feature-set/feast/default/users"),
        ("urn:li:mlFeature:(users,age)", "mlg://feature/datahub/users/age"),
        ("urn:li:mlModelGroup:(urn:li:dataPlatform:mlflow,ctr,PROD)", "mlg://model/mlflow/default/ctr"),
        ("urn:li:mlModelDeployment:(urn:li:dataPlatform:k8s,ctr,PROD)", "mlg://deployment/k8s/default/ctr"),
        ("urn:li:dataFlow:(airflow,nightly,eu)", "mlg://workflow/airflow/eu/nightly"),
        ("urn:li:dataJob:(urn:li:dataFlow:(airflow,nightly,eu),load)", "mlg://workflow/airflow/eu%2Fnightly/load"),
        ("urn:li:dataFlow:(airflow,x,e/u%)", "mlg://workflow/airflow/e%252Fu%2525/x"),
        ("urn:li:dataProcessInstance:abc", "mlg://run/datahub/default/abc"),
        ("urn:li:chart:(looker,7)", "mlg://report/looker/chart/7"),
        ("urn:li:dashboard:(looker,7)", "mlg://report/looker/dashboard/7"),
        ("urn:li:corpuser:ada", "mlg://user/datahub/default/ada"),
        ("urn:li:corpGroup:search", "mlg://team/datahub/default/search"),
        ("urn:li:domain:ads", "mlg://domain/datahub/default/ads"),
        ("urn:li:tag:pii", "mlg://tag/datahub/tag/pii"),
        ("urn:li:glossaryTerm:pii", "mlg://tag/datahub/glossaryTerm/pii"),
        ("urn:li:container:abc", None),
    ],
)
def test_the_platform_is_the_source_and_the_rest_of_the_id_the_namespace(foreign: str, expected: str | None) -> None:
    """PROD is the default environment; a type without a kind has no URN."""
    assert urn(foreign) == expected


def test_a_model_is_a_version_of_its_group() -> None:
    """The version tag names the version; a model without a group is the only version of a model of its own."""
    grouped, alone = model("ctr_3", GROUP, "3"), model("solo")
    estate = estate_of(grouped, alone)
    assert urn(grouped[0], estate) == "mlg://model-version/mlflow/default/ctr@3"
    assert urn(alone[0], estate) == "mlg://model-version/mlflow/default/solo@1"
    assert urn(model("unknown")[0], estate) == "mlg://model-version/mlflow/default/unknown@1"


def test_models_with_the_same_version_tag_are_versions_by_their_names() -> None:
    """Two models with one tag would be one version."""
    models = [model("a", GROUP, "1"), model("b", GROUP, "1"), model("c", GROUP, "2")]
    names = Names(estate_of(*models))
    assert [names.urn(foreign) for foreign, _ in models] == [
        "mlg://model-version/mlflow/default/ctr@a",
        "mlg://model-version/mlflow/default/ctr@b",
        "mlg://model-version/mlflow/default/ctr@2",
    ]


def test_a_version_by_its_name_takes_no_version_of_another_model() -> None:
    """The complete key is the version of two models, of which one has the name of the other as its tag or its name."""
    foreign, properties = model("a", GROUP, "1")
    other = (foreign.replace("PROD", "DEV"), properties)
    tagged = Names(estate_of(model("a", GROUP, "1"), model("b", GROUP, "1"), model("c", GROUP, "a")))
    named = Names(estate_of(model("a", GROUP, "1"), other))
    head, key = "mlg://model-version/mlflow/default/ctr@", "%28urn%3Ali%3AdataPlatform%3Amlflow%2Ca%2C{}%29"
    key_of_c = key.replace("2Ca%2C", "2Cc%2C").format("PROD")
    assert [tagged.urn(model(name)[0]) for name in "abc"] == [head + key.format("PROD"), f"{head}b", head + key_of_c]
    assert [named.urn(each) for each in (model("a")[0], other[0])] == [
        head + key.format("PROD"),
        head + key.format("DEV"),
    ]
    assert tagged.failures == named.failures == []


def test_ids_of_which_only_one_is_an_entity_share_a_urn() -> None:
    """Sources are written in lower case, so two platforms that differ in case are one; a reference is no entity."""
    estate, other = Estate(), TABLE.replace("hive", "HIVE")
    entity = estate.entity("dataset", TABLE)
    names = Names(estate)
    assert [names.urn(each) for each in (other, TABLE)] == ["mlg://dataset/hive/default/db.Table"] * 2
    assert (names.sends(entity), names.withholds(entity), names.failures) == (True, False, [])


@pytest.mark.parametrize("turned", [False, True])
def test_of_entities_that_share_a_urn_none_is_sent(turned: bool) -> None:  # noqa: FBT001 - as pytest gives it
    """Whatever their order; each failure names both ids, and references keep the URN, so that no stored edge ends."""
    estate, ids = Estate(), [TABLE, TABLE.replace("hive", "HIVE")]
    entities = [estate.entity("dataset", each) for each in (ids[::-1] if turned else ids)]
    names = Names(estate)
    assert [(names.sends(each), names.withholds(each)) for each in entities] == [(False, True)] * 2
    assert names.urns(ids, Entity("chart", "c")) == ["mlg://dataset/hive/default/db.Table"]
    assert sorted(each.location for each in names.failures) == sorted(ids)
    assert all(each.outcome == "INVALID" and each.location in each.reasons[0] for each in names.failures)
    assert names.left_out() == {}


def test_a_version_of_a_contested_group_keeps_its_urn() -> None:
    """The groups alone are not sent."""
    estate, groups = Estate(), [GROUP, GROUP.replace("mlflow", "MLflow")]
    entities = [estate.entity("mlModelGroup", each) for each in groups]
    foreign, properties = model("a", GROUP, "1")
    version = estate.entity("mlModel", foreign)
    version.aspects["mlModelProperties"] = properties
    names = Names(estate)
    assert [names.sends(each) for each in (*entities, version)] == [False, False, True]
    assert names.urn(foreign) == "mlg://model-version/mlflow/default/ctr@1"
    assert [each.location for each in names.failures] == groups


@pytest.mark.parametrize(
    ("kind", "foreign"), [("dataset", "urn:li:foo:x"), ("container", TABLE), ("dataset", model("a")[0])]
)
def test_an_entity_with_an_id_of_another_type_is_a_failure(kind: str, foreign: str) -> None:
    """It is not sent, and references to its id are those of the type in the id."""
    estate = Estate()
    entity = estate.entity(kind, foreign)
    entity.aspects["mlModelProperties"] = {"groups": [GROUP], "version": {"versionTag": "7"}}
    names = Names(estate)
    assert not names.sends(entity)
    assert [each.reasons[0].partition(";")[0] for each in names.failures] == [
        f"{foreign} is not an id of a {kind} in DataHub"
    ]
    expected = {TABLE: "mlg://dataset/hive/default/db.Table", model("a")[0]: "mlg://model-version/mlflow/default/ctr@7"}
    assert names.urn(foreign) == expected.get(foreign)


def test_an_entity_of_a_type_without_a_kind_is_no_failure() -> None:
    """The report counts its aspects as skipped."""
    estate = Estate()
    estate.entity("container", "urn:li:container:c")
    assert Names(estate).failures == []


@given(st.tuples(PARTS, PARTS), st.tuples(PARTS, PARTS))
def test_flows_and_jobs_with_different_names_have_different_urns(one: tuple[str, str], other: tuple[str, str]) -> None:
    """Slashes and percent signs in a cluster or a flow make no two flows, no two jobs, and no flow and job the same."""
    names = Names(Estate())
    flows = {f"urn:li:dataFlow:(airflow,{flow},{cluster})" for flow, cluster in (one, other)}
    jobs = {f"urn:li:dataJob:({flow},{name})" for flow in flows for name in (one[0], "load")}
    assert len({names.urn(foreign) for foreign in flows | jobs}) == len(flows | jobs)


@pytest.mark.parametrize(
    ("foreign", "reason"),
    [
        ("urn:li:dataset:x", "urn:li:dataset:x is not an id of a dataset in DataHub"),
        ("urn:li:dataJob:(flow,load)", "urn:li:dataJob:(flow,load) is not an id of a dataJob in DataHub"),
        ("urn:li:chart:7", "urn:li:chart:7 is not an id of a chart in DataHub"),
        ("urn:li:mlFeature:(x)", "urn:li:mlFeature:(x) is not an id of a mlFeature in DataHub"),
        (f"urn:li:dataFlow:(airflow,f,{'ü' * 200})", "Source, namespace and version leave no space for a name"),
        ("", " is not an id in DataHub"),
        ("pii", "pii is not an id in DataHub"),
        ("urn:li:tag", "urn:li:tag is not an id in DataHub"),
        ("a:b:c", "a:b:c is not an id in DataHub"),
    ],
)
def test_a_text_that_makes_no_id_is_one_failure(foreign: str, reason: str) -> None:
    """It is named once, however often it is asked for, and each reference to it is counted."""
    names = Names(Estate())
    chart = Entity("chart", "c")
    assert (names.urn(foreign), names.urn(foreign, chart), names.urns([foreign, TABLE], chart)) == (
        None,
        None,
        ["mlg://dataset/hive/default/db.Table"],
    )
    (failure,) = names.failures
    assert (failure.location, failure.outcome) == (foreign, "INVALID")
    assert failure.reasons[0].startswith(reason)
    assert failure.reasons[0].endswith("It is left out, and so are references to it; correct it in DataHub.")
    assert names.left_out() == {"chart": 1}


@pytest.mark.parametrize("group", ["pii", "urn:li:tag", "urn:li:mlModelGroup:x"])
def test_a_group_that_makes_no_id_is_named(group: str) -> None:
    """Its versions have no id, and other models have theirs."""
    lost, other = model("a", group), model("b", GROUP)
    names = Names(estate_of(lost, other))
    assert [names.urn(each) for each, _ in (lost, other)] == [None, "mlg://model-version/mlflow/default/ctr@1"]
    assert [each.location for each in names.failures] == [group, lost[0]]


def test_models_that_name_each_other_as_groups_have_ids() -> None:
    """A model is no group: such a circle has an end, and is read as before."""
    one, other = model("a")[0], model("b")[0]
    names = Names(estate_of((one, {"groups": [other]}), (other, {"groups": [one]})))
    head = "mlg://model-version/mlflow/default/"
    assert ([names.urn(each) for each in (one, other)], names.failures) == ([f"{head}b@1", f"{head}a@1"], [])


def test_a_malformed_model_ends_nothing() -> None:
    """Its group and another model of the group have their ids, although all have the same tag."""
    names = Names(estate_of(("pii", {"groups": [GROUP]}), ("urn:li:mlModel:x", {"groups": [GROUP]}), model("a", GROUP)))
    head = "mlg://model-version/mlflow/default/ctr@"
    assert [names.urn(each) for each in ("pii", "urn:li:mlModel:x", model("a")[0])] == [None, f"{head}x", f"{head}a"]
    assert [each.location for each in names.failures] == ["pii"]


def test_a_column_with_a_malformed_id_is_none() -> None:
    """The others are divided into dataset and path."""
    names = Names(Estate())
    assert names.field(f"urn:li:schemaField:({TABLE},a)") == (TABLE, "a")
    assert names.field("pii") is None


def test_a_list_of_ids_has_each_urn_once() -> None:
    """The order stays, and ids of types without a kind are left out."""
    ids = [TABLE, "urn:li:container:abc", "urn:li:corpuser:ada", TABLE]
    assert Names(Estate()).urns(ids, Entity("chart", "c")) == [
        "mlg://dataset/hive/default/db.Table",
        "mlg://user/datahub/default/ada",
    ]


@given(st.text(st.sampled_from("a(),"), max_size=30))
def test_keys_are_split_at_commas_outside_of_parentheses(inner: str) -> None:
    """The parts are those that a loop over the characters finds."""
    parts, depth = [""], 0
    for character in inner:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and not depth:
            parts.append("")
        else:
            parts[-1] += character
    assert split(f"urn:li:dataset:({inner})") == ("dataset", parts)


def test_a_long_id_is_split_in_one_pass() -> None:
    """An id of megabytes took minutes: each character copied the part before it."""
    long = "x" * 4_000_000
    assert split(f"urn:li:dataset:({long},b)")[1] == [long, "b"]
