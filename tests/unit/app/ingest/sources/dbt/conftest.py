"""Artifacts of real projects: `shop` was built by dbt 1.10 from the sources beside it, `churn` is a sample."""

from pathlib import Path

import pytest

from app.ingest.sources.dbt.artifacts import Artifacts, read_artifacts
from app.ingest.sources.dbt.dbt_names import DbtNames
from app.ingest.sources.openlineage.event_names import EventNames

DATA = Path(__file__).parents[5] / "data"


@pytest.fixture(scope="module")
def shop() -> Artifacts:
    """Return the artifacts of the project `shop`, which has every type of resource and a failed build."""
    return read_artifacts(DATA / "dbt/shop/target")


@pytest.fixture(scope="module")
def churn() -> Artifacts:
    """Return the artifacts of the project `churn`, whose OpenLineage events were recorded too."""
    return read_artifacts(DATA / "openlineage/dbt_churn")


@pytest.fixture(scope="module")
def names(shop: Artifacts) -> DbtNames:
    """Return the names of the project `shop`."""
    return DbtNames(shop, "duckdb://shop.duckdb", EventNames())
