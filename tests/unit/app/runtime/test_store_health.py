"""The health of the store as metrics: its readiness with the reason, and nothing of a JVM elsewhere."""

import asyncio

import pytest
from prometheus_client import CollectorRegistry
from support.waiting import until

from app.graph.driver.errors import StoreUnavailableError
from app.graph.driver.gremlin_client import GremlinClient
from app.runtime.readiness import Readiness
from app.runtime.store_health import StoreHealth, sampled
from app.store.errors import StoreReason
from app.telemetry.metrics import Metrics
from policies.errors import Code, CodedError


def health_of(*outcomes: CodedError | None) -> StoreHealth:
    """Return the health of a store elsewhere, whose probes have these outcomes in turn."""
    results = iter(outcomes)

    async def probe() -> None:
        if error := next(results, None):
            raise error

    readiness = Readiness(probe, lambda: None, clock=iter(range(0, 1_000, 10)).__next__)
    return StoreHealth(GremlinClient("http://127.0.0.1:1"), readiness)


def values(health: StoreHealth) -> tuple[float | None, list[str]]:
    """Return whether the store is ready, and the reasons that are set."""
    metrics = Metrics()
    metrics.watch(health.metrics)
    registry: CollectorRegistry = metrics.registry
    reasons = [
        reason for reason in StoreReason if registry.get_sample_value("mlg_store_outage", {"reason": str(reason)})
    ]
    return registry.get_sample_value("mlg_store_ready"), [str(reason) for reason in reasons]


@pytest.mark.parametrize(
    ("error", "ready", "reasons"),
    [
        (None, 1, []),
        (StoreUnavailableError("", StoreReason.INDEX), 0, ["INDEX"]),
        (CodedError("", Code.STORE_FAILED), 0, []),
    ],
)
async def test_a_store_that_fails_its_probe_is_not_ready(
    error: CodedError | None, ready: int, reasons: list[str]
) -> None:
    """The reason is that of the error, if it has one."""
    health = health_of(error)
    await health.sample()
    assert values(health) == (ready, reasons)


async def test_a_store_that_recovers_is_ready_again() -> None:
    """The reason of an outage is gone with it."""
    health = health_of(StoreUnavailableError("", StoreReason.STORAGE), None)
    await health.sample()
    await health.sample()
    assert values(health) == (1, [])


async def test_samples_are_taken_while_the_context_is_open() -> None:
    """The first sample is taken at once, and the task is gone at the exit."""
    health = health_of(StoreUnavailableError("", StoreReason.BUSY))
    async with sampled(health):
        await until(lambda: not health.is_ready)
    assert "StoreHealth" not in {task.get_name() for task in asyncio.all_tasks()}


def test_a_store_elsewhere_has_no_metrics_of_a_jvm() -> None:
    """Its numbers are those of its own exporter; of several servers, a sample would show one by chance."""
    names = {family.name for family in health_of().metrics()}
    assert names == {"mlg_store_ready", "mlg_store_outage"}
