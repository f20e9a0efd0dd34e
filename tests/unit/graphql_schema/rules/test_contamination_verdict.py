"""The rule of contamination: which overlap of two lineages counts, along which path, and the resulting verdict."""

import pytest

from graphql_schema.catalog.enums import ContaminationVerdict
from graphql_schema.rules.contamination_verdict import (
    ORIGIN,
    TRAINING,
    DataSources,
    Overlap,
    compared_ids,
    is_data,
    leads,
    overlap,
    verdict_of,
)

DIRECT, DERIVED, CLEAN, UNKNOWN = ContaminationVerdict
VERSION, RUN = "mlg://model-version/t/d/m@1", "mlg://run/t/d/split"
RAW, TRAIN, TEST = (f"mlg://dataset/t/d/{name}" for name in ("raw", "train", "test"))


def sources(root: str, *paths: tuple[str, ...], reached: tuple[str, ...] = ()) -> DataSources:
    """Return sources with paths from the root, each by its last id."""
    return DataSources(root, {path[-1]: path for path in paths}, frozenset({root, *reached}))


def test_data_that_the_training_reached_is_direct() -> None:
    """The same dataset is DIRECT with the path to it, although a source of it is shared too."""
    training = sources(VERSION, (VERSION, TRAIN), (VERSION, TRAIN, RAW), reached=(TRAIN, RAW))
    evaluated = sources(RAW, (RAW,))
    assert overlap(training, evaluated) == Overlap(DIRECT, TRAIN, RAW, (VERSION, TRAIN, RAW))
    assert compared_ids(training, evaluated) == 0


def test_the_shortest_path_over_a_shared_source_is_derived() -> None:
    """Of two shared sources the nearer counts; the path goes up to it and down to the data, also twice over one run."""
    far = "mlg://dataset/t/d/far"
    training = sources(VERSION, (VERSION, TRAIN), (VERSION, TRAIN, RUN, RAW), (VERSION, TRAIN, RUN, RAW, far))
    evaluated = sources(TEST, (TEST,), (TEST, RUN, RAW), (TEST, RUN, RAW, far))
    path = (VERSION, TRAIN, RUN, RAW, RUN, TEST)
    assert overlap(training, evaluated) == Overlap(DERIVED, TRAIN, RAW, path)
    assert compared_ids(training, evaluated) == 3


def test_a_shared_parent_is_derived_and_a_shared_run_is_nothing() -> None:
    """A dataset that is only the parent of trained data is not reached, so it is DERIVED; runs are no data."""
    training = sources(VERSION, (VERSION, TRAIN), (VERSION, TRAIN, RAW), reached=(TRAIN, RUN))
    found = overlap(training, sources(RAW, (RAW,)))
    assert found is not None
    assert found.verdict is DERIVED
    assert overlap(training, sources(TEST, (TEST,), reached=(RUN,))) is None


@pytest.mark.parametrize(
    ("found", "known", "verdict"),
    [((), True, CLEAN), ((), False, UNKNOWN), ((DERIVED,), False, DERIVED), ((DERIVED, DIRECT), True, DIRECT)],
)
def test_the_verdict_is_the_worst_and_never_clean_if_something_is_missing(
    found: tuple[ContaminationVerdict, ...],
    known: bool,  # noqa: FBT001 - a case
    verdict: ContaminationVerdict,
) -> None:
    """DIRECT precedes DERIVED whatever is missing; without an overlap the verdict is CLEAN only if all is known."""
    assert verdict_of([Overlap(each, TRAIN, TRAIN, ()) for each in found], known=known) is verdict


def test_the_walks_end_at_services_and_the_origin_of_data_ends_at_models() -> None:
    """A service is followed by no walk, a model version only on the side of the training."""
    assert not any(leads(hops, "PRODUCES", "Service") for hops in (TRAINING, ORIGIN))
    assert leads(TRAINING, "INPUT_TO", "ModelVersion")
    assert not leads(ORIGIN, "INPUT_TO", "ModelVersion")
    assert not leads(TRAINING, "EVALUATED_BY", "Dataset")
    assert is_data(RAW)
    assert not is_data(RUN)
