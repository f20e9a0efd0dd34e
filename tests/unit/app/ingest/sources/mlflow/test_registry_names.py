"""Ids of what a registry names: no two things share one, and a place of data has the id that OpenLineage gives it."""

import pytest

from app.ingest.sources.mlflow.registry_names import RegistryNames, location_of, place_of
from app.ingest.sources.mlflow.registry_records import LoggedModelKey
from graphql_schema.catalog.urn import parse_urn

NAMES = RegistryNames()


def test_names_that_differ_have_ids_that_differ() -> None:
    """Names with separators, and equal names of different kinds or registries, never meet."""
    ids = [
        NAMES.version("fraud.eu v1", "2"),
        NAMES.version("fraud.eu", "2"),
        NAMES.logged_model(LoggedModelKey("1", "a/b", "m-1")),
        NAMES.model("1/a"),
        NAMES.logged_name(LoggedModelKey("1", "a", "m-1")),
        NAMES.dataset_version("fraud events, EU", "f4a00001"),
        NAMES.evaluation("m-1", ("d@1", "2")),
        NAMES.evaluation("m-1", ("d", "1@2")),
        NAMES.run("r"),
        NAMES.evaluation_run("r"),
        RegistryNames("emea").run("r"),
    ]
    assert ids[0] == "mlg://model-version/mlflow/default/fraud.eu%20v1@2"
    assert ids[5] == "mlg://dataset-version/mlflow/default/fraud%20events%2C%20EU@f4a00001"
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(
    ("source", "location", "place"),
    [
        ('{"uri": "s3://lake/churn/train"}', "s3://lake/churn/train", "mlg://dataset/s3/lake/churn%2Ftrain"),
        ('{"uri": "s3a://lake/x"}', "s3a://lake/x", "mlg://dataset/s3/lake/x"),
        ('{"path": "abfss://c@acc.dfs/x"}', "abfss://c@acc.dfs/x", "mlg://dataset/abfss/c%40acc.dfs/x"),
        ('{"url": "https://u:p@host/d.csv?sig=secret#f"}', "https://host/d.csv", None),
        (
            '{"uri": "s3://lake/churn/train?secret_key=x"}',
            "s3://lake/churn/train",
            "mlg://dataset/s3/lake/churn%2Ftrain",
        ),
        ('{"table_name": "main.churn"}', "main.churn", None),
        ('{"tags": {"mlflow.source.name": "n"}}', None, None),
        ("[1]", None, None),
        ("", None, None),
        ("/data/train.csv", "/data/train.csv", None),
        (f"s3://{'b' * 600}/x", f"s3://{'b' * 600}/x", None),
        (f"s3://{'b' * 5000}/x", f"s3://{'b' * 5000}/x", None),
    ],
)
def test_a_source_of_data_has_a_location(source: str, location: str | None, place: str | None) -> None:
    """Address, path or table; credentials are left out, and only a place in an object store is a dataset."""
    assert location_of(source) == location
    assert place_of(source) == place


@pytest.mark.parametrize("digest", ["d" * 600, "d" * 5000, "\U0001f600" * 100])
def test_a_digest_of_any_length_makes_an_id(digest: str) -> None:
    """Two long digests have two ids."""
    urn = NAMES.dataset_version("n", digest)
    assert parse_urn(urn).name == "n"
    assert urn != NAMES.dataset_version("n", f"{digest}e")


@pytest.mark.parametrize(
    ("source", "version"),
    [
        ("models:/churn/2", "2"),
        ("models:/churn/2?/", "2"),
        ("models:/churn/2?a=b\n#c", "2"),
        ("models:/churn/3#x", "3%23x"),
        ("models:/churn/", None),
        ("models:/churn/?/", None),
        ("models://2", None),
        ("models:/a/b/2", None),
        ("models:/churn", None),
        ("s3://churn/2", None),
        ("", None),
        (f"models:/churn/{'0' * 600}1", None),
        (f"models:/churn/{'0' * 5000}1", None),
    ],
)
def test_a_copied_version_is_named_as_mlflow_reads_it(source: str, version: str | None) -> None:
    """Every other text names no version, and neither does one that is too long for an id."""
    assert NAMES.copied_version(source) == (version and f"mlg://model-version/mlflow/default/churn@{version}")


@pytest.mark.parametrize(("name", "encoded"), [("a#b", "a%23b"), ("a?b", "a%3Fb"), ("#", "%23"), ("a b", "a%20b")])
def test_a_copied_version_has_the_name_that_mlflow_wrote(name: str, encoded: str) -> None:
    """MLflow writes the source of a copy from name and version as they are, and reads no fragment."""
    expected = f"mlg://model-version/mlflow/default/{encoded}@3"
    assert [NAMES.copied_version(f"models:/{name}/3{end}") for end in ("", "?/")] == [expected] * 2
