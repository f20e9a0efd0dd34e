"""Sends spans to a collector by OTLP over HTTP, in batches and in a thread of its own.

``MLG_OTLP_ENDPOINT`` or a standard variable of OpenTelemetry has the address. Such variables set everything else:
``OTEL_TRACES_SAMPLER``, ``OTEL_EXPORTER_OTLP_HEADERS``, ``OTEL_BSP_SCHEDULE_DELAY`` and so on. Without an address
nothing of the SDK is loaded.
"""

import asyncio
import os
import threading
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import version
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import urlsplit
from uuid import uuid4

import structlog

from app.settings import Settings
from app.telemetry.spans import Spans
from policies.errors import ConfigurationError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

SERVICE_NAME: Final = "mlgraph"
"""The name of the service in traces, unless OTEL_SERVICE_NAME is set."""

PATH: Final = "/v1/traces"
"""The path below the address of a collector to which spans are sent."""

BASE: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
EXACT: Final = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
"""The standard variables with the address of a collector, used without MLG_OTLP_ENDPOINT.

BASE is for all signals, and PATH is added to it. EXACT is for spans, includes the path, and takes precedence.
"""

FLUSH_SECONDS: Final = 5.0
"""Seconds that the end of a process waits for its last spans to be sent."""

_log = structlog.get_logger(__name__)


class SpanExport:
    """The spans of a process, and their way to the collector; an async context manager, whose exit sends the last ones.

    ``spans`` records nothing if no collector is set. Raises ConfigurationError if the address of the collector is
    invalid.
    """

    def __init__(self, settings: Settings, environment: Mapping[str, str] = os.environ) -> None:
        address = collector_address(settings, environment)
        self._provider = None if address is None else _provider(address)
        self.spans = Spans(None if self._provider is None else self._provider.get_tracer("mlgraph"))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._provider is None:
            return
        sent, loop, shutdown = asyncio.Event(), asyncio.get_running_loop(), self._provider.shutdown

        def send() -> None:
            shutdown()
            with suppress(RuntimeError):  # the loop was closed meanwhile
                loop.call_soon_threadsafe(sent.set)

        # A thread of the loop would hold the end of the process until a collector that is away has timed out.
        threading.Thread(target=send, daemon=True).start()
        try:
            async with asyncio.timeout(FLUSH_SECONDS):
                await sent.wait()
        except TimeoutError:
            _log.warning("spans_not_sent", seconds=FLUSH_SECONDS)


def collector_address(settings: Settings, environment: Mapping[str, str]) -> str | None:
    """Return the URL to which spans are sent; None if there is no collector or ``OTEL_SDK_DISABLED`` is true.

    Raises ConfigurationError if it is no http or https URL, or if it contains credentials, which would be logged.
    """
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return None
    exact = "" if settings.otlp_endpoint else environment.get(EXACT, "")
    base = settings.otlp_endpoint or environment.get(BASE, "")
    name = "MLG_OTLP_ENDPOINT" if settings.otlp_endpoint else EXACT if exact else BASE
    address = exact or (base and base.rstrip("/") + PATH)
    if not address:
        return None
    try:
        parts = urlsplit(address)
        is_valid = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_valid = False
    if not is_valid or "@" in address:
        raise ConfigurationError(
            f"{name} is not the address of a collector; set it to an http or https URL such as "
            "http://127.0.0.1:4318, and put credentials into OTEL_EXPORTER_OTLP_HEADERS."
        )
    return address


def _provider(address: str) -> "TracerProvider":
    """Return a provider whose sampler and batches follow the environment."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - only if used
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource  # noqa: PLC0415 - as above
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - as above
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - as above

    own = {
        "service.name": SERVICE_NAME,
        "service.version": version("model-lifecycle-graph"),
        "service.instance.id": uuid4().hex,
    }
    resource = Resource.create(own).merge(OTELResourceDetector().detect())
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=address)))
    return provider
