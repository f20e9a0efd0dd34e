"""URNs for DataHub ids: every id has one of its own, and its parts keep their meaning (docs/import.md)."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ingest.sources.datahub.aspect_files import Estate
from app.ingest.sources.datahub.names import Names, split, split_field
from policies.errors import InvalidError

TABLE = "urn:li:dataset:(urn:li:dataPlatform:hive,db.Table,PROD)"
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
    group = "urn:li:mlModelGroup:(urn:li:dataPlatform:mlflow,ctr,PROD)"
    grouped, alone = model("ctr_3", group, "3"), model("solo")
    estate = estate_of(grouped, alone)
    assert urn(grouped[0], estate) == "mlg://model-version/mlflow/default/ctr@3"
    assert urn(alone[0], estate) == "mlg://model-version/mlflow/default/solo@1"
    assert urn(model("unknown")[0], estate) == "mlg://model-version/mlflow/default/unknown@1"


def test_models_with_the_same_version_tag_are_versions_by_their_names() -> None:
    """Two models with one tag would be one version."""
    group = "urn:li:mlModelGroup:(urn:li:dataPlatform:mlflow,ctr,PROD)"
    models = [model("a", group, "1"), model("b", group, "1"), model("c", group, "2")]
    names = Names(estate_of(*models))
    assert [names.urn(foreign) for foreign, _ in models] == [
        "mlg://model-version/mlflow/default/ctr@a",
        "mlg://model-version/mlflow/default/ctr@b",
        "mlg://model-version/mlflow/default/ctr@2",
    ]


def test_two_ids_that_would_share_a_urn_are_refused() -> None:
    """Sources are written in lower case, so two platforms that differ in case collide; both ids are named."""
    names = Names(Estate())
    names.urn(TABLE)
    assert names.urn(TABLE) is not None
    other = TABLE.replace("hive", "Hive")
    with pytest.raises(InvalidError) as refused:
        names.urn(other)
    assert TABLE in refused.value.message
    assert other in refused.value.message


@given(st.tuples(PARTS, PARTS), st.tuples(PARTS, PARTS))
def test_flows_and_jobs_with_different_names_have_different_urns(one: tuple[str, str], other: tuple[str, str]) -> None:
    """Slashes and percent signs in a cluster or a flow make no two flows, no two jobs, and no flow and job the same."""
    names = Names(Estate())
    flows = {f"urn:li:dataFlow:(airflow,{flow},{cluster})" for flow, cluster in (one, other)}
    jobs = {f"urn:li:dataJob:({flow},{name})" for flow in flows for name in (one[0], "load")}
    assert len({names.urn(foreign) for foreign in flows | jobs}) == len(flows | jobs)


@pytest.mark.parametrize(
    "foreign", ["urn:li:dataset:x", "urn:li:dataJob:(flow,load)", "urn:li:chart:7", "urn:li:mlFeature:(x)"]
)
def test_an_id_of_another_shape_is_refused(foreign: str) -> None:
    """The error names the id and the type that it claims to be."""
    with pytest.raises(InvalidError, match=f"^{re.escape(foreign)} "):
        urn(foreign)


@pytest.mark.parametrize("foreign", ["", "pii", "urn:li:tag", "urn:li:dataset", "a:b:c"])
def test_a_text_that_is_no_id_is_refused(foreign: str) -> None:
    """The error names the text, also if it is the group of a model, so that the import names the record to correct."""
    with pytest.raises(InvalidError, match=f"^{re.escape(foreign)} is not an id in DataHub"):
        urn(foreign)
    if foreign:
        with pytest.raises(InvalidError, match=f"^{re.escape(foreign)} is not an id in DataHub"):
            Names(estate_of(model("a", foreign)))


def test_a_group_of_another_shape_is_refused() -> None:
    """The group of a model must have a platform and a name."""
    with pytest.raises(InvalidError, match=r"^urn:li:mlModelGroup:x is not an id of a mlModelGroup"):
        Names(estate_of(model("a", "urn:li:mlModelGroup:x")))


def test_a_list_of_ids_has_each_urn_once() -> None:
    """The order stays, and ids of types without a kind are left out."""
    ids = [TABLE, "urn:li:container:abc", "urn:li:corpuser:ada", TABLE]
    assert Names(Estate()).urns(ids) == ["mlg://dataset/hive/default/db.Table", "mlg://user/datahub/default/ada"]
