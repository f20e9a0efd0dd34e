"""The way of spans to a collector: its address, what the process is called, and a collector that is away."""

from pathlib import Path

import pytest
from opentelemetry.trace import get_current_span
from structlog.testing import capture_logs
from support.servers.collector import collecting
from support.servers.server_process import free_port

from app.settings import Settings
from app.telemetry import span_export
from app.telemetry.span_export import SpanExport, collector_address
from policies.errors import ConfigurationError

BASE = "http://collector:4318"


def settings(**environment: str) -> Settings:
    """Return settings with the variables given."""
    return Settings.from_env(environment)


@pytest.mark.parametrize(
    ("own", "standard", "expected"),
    [
        ("", {}, None),
        (BASE, {}, f"{BASE}/v1/traces"),
        (f"{BASE}/", {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://other"}, f"{BASE}/v1/traces"),
        ("", {"OTEL_EXPORTER_OTLP_ENDPOINT": f"{BASE}/otlp"}, f"{BASE}/otlp/v1/traces"),
        ("", {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{BASE}/in"}, f"{BASE}/in"),
        (BASE, {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://other"}, f"{BASE}/v1/traces"),
        (BASE, {"OTEL_SDK_DISABLED": "true"}, None),
    ],
)
def test_the_address_is_that_of_the_setting_or_of_the_standard_variables(
    own: str, standard: dict[str, str], expected: str | None
) -> None:
    """The setting wins; the variable for traces has the whole path."""
    assert collector_address(settings(MLG_OTLP_ENDPOINT=own), standard) == expected


@pytest.mark.parametrize("address", ["collector:4318", "ftp://collector", "http://", "http://a:x", "http://u:pw@a:1"])
def test_an_address_that_cannot_be_used_is_refused(address: str) -> None:
    """The error names the variable and does not repeat the value, which may have a password."""
    for own, standard in ((address, {}), ("", {"OTEL_EXPORTER_OTLP_ENDPOINT": address})):
        with pytest.raises(ConfigurationError, match="OTLP_ENDPOINT is not") as error:
            collector_address(settings(MLG_OTLP_ENDPOINT=own), standard)
        assert "pw" not in error.value.message


async def test_spans_arrive_when_the_process_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last spans are sent at the exit, with the name and version of the service, or with the operator's."""
    for name, expected in (("", "mlgraph"), ("graph-of-acme", "graph-of-acme")):
        monkeypatch.setenv("OTEL_SERVICE_NAME", name)
        with collecting() as collector:
            async with SpanExport(settings(MLG_OTLP_ENDPOINT=collector.url)) as export:
                with export.spans.span("work"):
                    assert get_current_span().is_recording()
            assert [span.name for span in collector.spans] == ["work"]
            assert collector.paths == ["/v1/traces"]
            assert collector.resource["service.name"] == expected
            assert {"service.version", "service.instance.id"} <= collector.resource.keys()


async def test_the_sampler_is_that_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """With ``always_off`` nothing is sent."""
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    with collecting() as collector:
        async with SpanExport(settings(MLG_OTLP_ENDPOINT=collector.url)) as export:
            with export.spans.span("work"):
                pass
        assert collector.bodies == []


async def test_a_collector_that_is_away_does_not_hold_up_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """After FLUSH_SECONDS one line states that spans were lost, and the process ends."""
    monkeypatch.setattr(span_export, "FLUSH_SECONDS", 0.01)
    with capture_logs() as lines:
        async with SpanExport(settings(MLG_OTLP_ENDPOINT=f"http://127.0.0.1:{free_port()}")) as export:
            with export.spans.span("work"):
                pass
    assert [line["event"] for line in lines] == ["spans_not_sent"]


async def test_nothing_is_loaded_without_a_collector(tmp_path: Path) -> None:
    """A process without the setting has no tracer, and its exit has nothing to send."""
    async with SpanExport(settings(MLG_DATA_DIR=str(tmp_path)), {}) as export:
        assert not export.spans.is_on
