"""Recorded series, and the alerts that fire on them: each alert in a case of its own, and beside it what is no alert.

The series are in the notation of promtool, one sample a minute: ``0+10x60`` grows by 10 for 60 minutes, ``1x9 0x50``
changes after ten.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

UP = {'up{job="mlgraph", instance="a"}': "1x2000"}


@dataclass(frozen=True, slots=True)
class AlertCase:
    """A case: what happens, its series, the minute at which it is looked at, and the alerts that fire then."""

    about: str
    series: Mapping[str, str]
    fires: frozenset[str] = frozenset()
    minute: int = 60
    around: Mapping[str, str] = field(default_factory=lambda: UP)


def _answers(**rates: int) -> dict[str, str]:
    return {f'mlg_answers_total{{type="query", quality="{name}"}}': f"0+{rate}x120" for name, rate in rates.items()}


def _before(status: str, rate: int) -> dict[str, str]:
    return {f'mlg_http_responses_total{{route="/graphql", stage="before", status="{status}"}}': f"0+{rate}x120"}


def _durations(at_five: int) -> dict[str, str]:
    counts = {"5": at_five, "10": 100, "+Inf": 100}
    name = 'mlg_operation_seconds_bucket{operation="Page", type="query", le="%s"}'
    return {name % bound: f"0+{count}x60" for bound, count in counts.items()}


def _leaders(**values: str) -> dict[str, str]:
    return {f'mlg_leader{{instance="{name}"}}': value for name, value in values.items()}


def _alerts(*names: str) -> frozenset[str]:
    return frozenset(f"Mlg{name}" for name in names)


BURN = _alerts("AnswersBurnFast", "AnswersBurnSlow")
REFUSED = 'mlg_refused_actions_total{action="LINK"}'
START = 'process_start_time_seconds{job="mlgraph", instance="a"}'
OLDEST = 'mlg_thin_events_oldest_seconds{source="mlflow-prod"}'
DEAD = 'mlg_thin_events_dead{source="mlflow-prod"}'
EJECTED = 'mlg_store_server_ejected{server="http://j1:8182/gremlin"}'
FILES = 'process_%s_fds{job="mlgraph", instance="a"}'

CASES = (
    AlertCase("one of six answers fails", _answers(good=100, failed=20), BURN, 120),
    AlertCase("one of six is cut", _answers(good=100, truncated=20), BURN, 120),
    AlertCase("one of 26 is stale", _answers(good=100, stale=4), _alerts("AnswersBurnSlow"), 120),
    AlertCase("one of 51 is stale", _answers(good=100, stale=2), minute=120),
    AlertCase("clients make mistakes, and see a part", _answers(good=100, refused=100, partial=100), minute=120),
    AlertCase("there are no requests", _answers(good=0, failed=0), minute=120),
    AlertCase(
        "no token is checked", _answers(good=0, failed=0) | _before("503", 20), BURN | _alerts("TokensNotChecked"), 120
    ),
    AlertCase("clients have no token", _answers(good=100, failed=0) | _before("401", 100), minute=120),
    AlertCase("a tenth takes over five seconds", _durations(90), _alerts("Slow")),
    AlertCase("all take less", _durations(100)),
    AlertCase("a queue is full", {'mlg_waiting_operations{queue="reads"}': "20x60"}, _alerts("QueueWaits")),
    AlertCase("requests to the store wait", {'mlg_waiting_operations{queue="store"}': "20x60"}, _alerts("QueueWaits")),
    AlertCase("a queue was full", {'mlg_waiting_operations{queue="reads"}': "20x2 0x60"}, minute=6),
    AlertCase("a process is away", {}, _alerts("Down"), around={'up{job="mlgraph", instance="a"}': "1x9 0x60"}),
    AlertCase("no process is scraped", {}, _alerts("Down"), around={}),
    AlertCase("a scrape failed", {}, around={'up{job="mlgraph", instance="a"}': "1x58 0x0 1x60"}),
    AlertCase("a process starts again and again", {START: "1x9 2x9 3x9 4x60"}, _alerts("Restarts")),
    AlertCase("a store starts again and again", {"mlg_store_starts_total": "1x9 2x9 3x9 5x60"}, _alerts("Restarts")),
    AlertCase("a release", {START: "1x9 2x60", "mlg_store_starts_total": "1x60"}),
    AlertCase("few files are left", {FILES % "open": "950x60", FILES % "max": "1000x60"}, _alerts("FilesRunOut")),
    AlertCase("half of the files are left", {FILES % "open": "500x60", FILES % "max": "1000x60"}),
    AlertCase("a log is full", {"mlg_access_log_failures_total": "0x9 1x60"}, _alerts("AccessLogFails"), 12),
    AlertCase("a log was full", {"mlg_access_log_failures_total": "0x9 1x60"}, minute=20),
    AlertCase("a mismatch", {"mlg_policy_mismatches_total": "0x9 1x60"}, _alerts("PolicyMismatch"), 15),
    AlertCase("no mismatch", {"mlg_policy_mismatches_total": "0x60"}, minute=15),
    AlertCase("break-glass", {"mlg_break_glass_responses_total": "0x9 3x60"}, _alerts("BreakGlass"), 15),
    AlertCase("no break-glass", {"mlg_break_glass_responses_total": "3x60"}, minute=15),
    AlertCase("denials rise", {REFUSED: "0+0.6x1440 1000+120x120"}, _alerts("DenialsRise"), 1_500),
    AlertCase("as many as yesterday", {REFUSED: "0+120x1560"}, minute=1_500),
    AlertCase("a job lags", {'mlg_outbox_oldest_seconds{kind="tag"}': "0+60x60"}, _alerts("JobsBehind")),
    AlertCase("a job is busy", {'mlg_outbox_oldest_seconds{kind="tag"}': "200x60"}),
    AlertCase("a job fails", {'mlg_job_failures_total{kind="tag"}': "0+1x60"}, _alerts("JobFails")),
    AlertCase("a job failed", {'mlg_job_failures_total{kind="tag"}': "0x50 1x60"}),
    AlertCase("none leads", _leaders(a="0x60", b="0x60"), _alerts("NoLeader")),
    AlertCase("two lead", _leaders(a="1x60", b="1x60"), _alerts("NoLeader")),
    AlertCase("one leads", _leaders(a="1x60", b="0x60")),
    AlertCase("another one leads", _leaders(a="1x57 0x60", b="0x58 1x60")),
    AlertCase("an embedded store has no leader", {'mlg_store_ready{instance="a"}': "1x60"}),
    AlertCase("writers wait", {'mlg_waiting_writes{instance="a"}': "30x60"}, _alerts("WritersWait")),
    AlertCase("some writers wait", {'mlg_waiting_writes{instance="a"}': "5x60"}),
    AlertCase("an event waits for hours", {OLDEST: "0+60x300"}, _alerts("ThinEventsWait"), 200),
    AlertCase("an event waits for an hour", {OLDEST: "0+60x60"}),
    AlertCase("an event dies", {DEAD: "2x30 3x60"}, _alerts("ThinEventsDie")),
    AlertCase("events have died long ago", {DEAD: "3x200"}, minute=200),
    AlertCase("dead events are replayed", {DEAD: "3x30 0x60"}),
    AlertCase("a store is away", {'mlg_store_ready{instance="a"}': "1x9 0x60"}, _alerts("StoreNotReady")),
    AlertCase("a check failed", {'mlg_store_ready{instance="a"}': "1x59 0x0"}),
    AlertCase(
        "a tenth of the requests fails",
        {
            'mlg_store_requests_total{statement="level", code="OK"}': "0+90x60",
            'mlg_store_requests_total{statement="level", code="STORE_UNAVAILABLE"}': "0+10x60",
        },
        _alerts("StoreErrors"),
    ),
    AlertCase(
        "a hundredth of the requests fails",
        {
            'mlg_store_requests_total{statement="level", code="OK"}': "0+99x60",
            'mlg_store_requests_total{statement="level", code="STORE_UNAVAILABLE"}': "0+1x60",
        },
    ),
    AlertCase("a server is away", {EJECTED: "0x9 1x60"}, _alerts("ServerEjected")),
    AlertCase("a server was away", {EJECTED: "0x9 1x3 0x60"}),
    AlertCase("documents still differ", {"mlg_index_failed_total": "0x9 2x60"}, _alerts("IndexDiffers"), 15),
    AlertCase("documents are repaired", {"mlg_index_failed_total": "0x60", "mlg_index_repaired_total": "0x9 9x60"}),
    AlertCase("a disk is nearly full", {"mlg_store_free_bytes": "1000000000x60"}, _alerts("DiskFills")),
    AlertCase("a disk fills", {"mlg_store_free_bytes": "100000000000-200000000x400"}, _alerts("DiskFills"), 120),
    AlertCase("a disk has space", {"mlg_store_free_bytes": "100000000000x60"}),
    AlertCase(
        "a heap is full", {"mlg_jvm_heap_used_bytes": "95x60", "mlg_jvm_heap_max_bytes": "100x60"}, _alerts("HeapFull")
    ),
    AlertCase("collections take half of the time", {"mlg_jvm_gc_seconds_total": "0+30x60"}, _alerts("HeapFull")),
    AlertCase(
        "a heap is collected",
        {"mlg_jvm_heap_used_bytes": "95 95 95 95 95 20 " * 12, "mlg_jvm_heap_max_bytes": "100x72"},
    ),
)
