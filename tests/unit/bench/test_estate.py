"""The estates of the bench are the same for each call, skewed, and connected as their description states."""

from collections import Counter

import pytest

from bench.estate import HUB_SIZE, PROBE, TRAINED_ON, Estate, estate_of
from bench.items import items_of
from bench.oracle import Walk
from bench.view import CALLERS, View


@pytest.mark.parametrize("size", [200, 2_000])
def test_an_estate_is_the_same_for_each_call(size: int) -> None:
    """Two calls give equal assets, relations and registrations, in the same order."""
    first, second = estate_of(size), estate_of(size)
    assert first == second
    assert [*items_of(first)] == [*items_of(second)]


@pytest.mark.parametrize("size", [200, 2_000])
def test_an_estate_has_its_size(size: int) -> None:
    """The number of assets and teams is that of the estate, save the rest of a division for each kind and model."""
    estate = estate_of(size)
    assert size - 10 <= len(estate.assets) + len(estate.teams) <= size


def test_a_too_small_estate_is_refused() -> None:
    """The part of equal size has no place in an estate of fewer than 200 assets."""
    with pytest.raises(ValueError, match="at least 200 assets, not 199"):
        estate_of(199)


def test_the_large_estate_has_a_hub() -> None:
    """Of 20,000 assets, about 600 services depend on one dataset, and there are about 62,771 relations."""
    estate = estate_of(HUB_SIZE)
    assert 62_000 < estate.relations < 63_500
    assert len(Walk(View(estate, CALLERS["cy"]), estate.hub).of_kind("SERVICE")) == pytest.approx(606, abs=20)


def test_a_few_datasets_are_used_most() -> None:
    """A tenth of the datasets has more than a fourth of the uses by model versions."""
    estate = estate_of(2_000)
    uses = sorted(Counter(data for trained in estate.trained_on.values() for data in trained).values(), reverse=True)
    assert sum(uses[: len(uses) // 10]) > sum(uses) / 4


def neighbourhood(estate: Estate) -> set[tuple[str, int]]:
    """Return the assets downstream of the probe with their depths."""
    return {*Walk(View(estate, CALLERS["cy"]), PROBE).depths.items()}


def test_the_neighbourhood_is_equal_at_every_size() -> None:
    """The small impact has the same eleven assets at the same depths in estates of different sizes."""
    assert neighbourhood(estate_of(200)) == neighbourhood(estate_of(2_000))
    assert len(neighbourhood(estate_of(200))) == 12


def test_every_version_is_trained_on_distinct_datasets() -> None:
    """Each version has five edges to different datasets of the estate."""
    estate = estate_of(200)
    assert {len(set(trained)) for trained in estate.trained_on.values()} == {TRAINED_ON}
    assert {data for trained in estate.trained_on.values() for data in trained} <= estate.assets.keys()


def test_the_policy_has_an_effect() -> None:
    """In the smallest estate, assets of four kinds are hidden from an engineer, and some drafts are not read."""
    estate = estate_of(200)
    view = View(estate, CALLERS["ada"])
    hidden = {asset.kind for urn, asset in estate.assets.items() if not view.is_visible(urn)}
    assert hidden == {"DATASET", "MODEL", "MODEL_VERSION", "SERVICE"}
    assert any(view.is_visible(urn) and not view.is_read(urn) for urn in estate.assets)
