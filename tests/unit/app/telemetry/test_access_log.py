"""The lines of the access log: what each names, and that nothing is sent if they cannot be written."""

import fcntl
import resource
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest

from app.settings import Settings
from app.telemetry import access_log as access_log_module
from app.telemetry.access_log import (
    FEW_LOGGED,
    MAX_LOGGED_HIDDEN,
    MAX_LOGGED_READS,
    AccessLog,
    AccessLogError,
    access_log_path,
)
from app.telemetry.log_share import BURST, LogShares
from graphql_schema.ports.policy_report import MAX_REFUSED, PolicyReport
from policies.decision import Denial
from policies.errors import LimitError
from policies.principal import Principal, PrincipalKind
from policies.vocabulary import Label

ADA = Principal("ada", PrincipalKind.PERSON, "acme")
ROOT = Principal("root", PrincipalKind.PERSON, "acme", break_glass="an outage of search")
LABELS = {"Run": {"error": Label.SECRET}}


def lines(path: Path, report: PolicyReport, who: Principal = ADA) -> list[dict[str, Any]]:
    """Write a report and return the lines of the file without their common part."""
    AccessLog(path, LABELS).write(who, "r1", report)
    found = [orjson.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []
    common = {"requestId": "r1", "tenant": "acme", "principalKind": "PERSON", "policyVersion": "v1"}
    for line in found:
        assert common.items() <= line.items()
        assert line.pop("time").endswith("+00:00")
    return [{name: value for name, value in line.items() if name not in common} for line in found]


def test_an_operation_without_events_writes_nothing(tmp_path: Path) -> None:
    """Not even the file is made."""
    assert lines(tmp_path / "a.jsonl", PolicyReport("v1")) == []
    assert not (tmp_path / "a.jsonl").exists()


def test_reads_denials_and_hidden_ids_are_lines(tmp_path: Path) -> None:
    """A read names its label and ids, a denial its rules, and no line holds a value."""
    report = PolicyReport("v1")
    report.report_read("Run.error", "mlg://run/a")
    report.report_hidden("Run.error", Denial(("p1",), ("p2",)))
    report.absent["mlg://run/b"] = None
    report.report_refused("update", "", "No.")
    assert lines(tmp_path / "a.jsonl", report) == [
        {"subject": "ada", "event": "read", "coordinate": "Run.error", "label": "secret", "ids": ["mlg://run/a"]},
        {
            "subject": "ada",
            "event": "denied",
            "coordinate": "Run.error",
            "count": 1,
            "policies": ["p1"],
            "needs": ["p2"],
        },
        {"subject": "ada", "event": "hidden", "ids": ["mlg://run/b"]},
        {"subject": "ada", "event": "refused", "action": "update", "ids": [], "reasons": ["No."]},
    ]


def test_every_use_of_break_glass_is_a_line_with_its_reason(tmp_path: Path) -> None:
    """The use is logged although nothing restricted was read."""
    assert lines(tmp_path / "a.jsonl", PolicyReport("v1"), ROOT) == [
        {"subject": "root", "breakGlass": "an outage of search", "event": "break_glass"}
    ]


def test_many_ids_are_several_lines(tmp_path: Path) -> None:
    """A line has at most a hundred ids, and none is lost."""
    report = PolicyReport("v1")
    for number in range(201):
        report.absent[f"mlg://run/{number}"] = None
    found = lines(tmp_path / "a.jsonl", report)
    assert [len(line["ids"]) for line in found] == [100, 100, 1]
    assert [urn for line in found for urn in line["ids"]] == [*report.absent]


def test_writes_that_are_denied_again_and_again_are_one_line(tmp_path: Path) -> None:
    """A call under thirty aliases with a thousand items is not thirty thousand lines; their number is not lost."""
    report = PolicyReport("v1")
    for _ in range(30):
        report.report_refused("update", "mlg://run/a", "No.")
    report.report_refused("update", "mlg://run/b", "No.")
    for _ in range(2):
        report.report_refused("graph:write", "", "No scope.")
    refused = {"subject": "ada", "event": "refused"}
    ids = ["mlg://run/a", "mlg://run/b"]
    assert lines(tmp_path / "a.jsonl", report) == [
        {**refused, "action": "update", "ids": ids, "reasons": ["No."], "count": 31},
        {**refused, "action": "graph:write", "ids": [], "reasons": ["No scope."], "count": 2},
    ]


def test_many_denied_writes_are_a_few_lines(tmp_path: Path) -> None:
    """Each denial has its id in its reason. A hundred of an action are one line, and no id and no reason is lost."""
    report = PolicyReport("v1")
    ids = [f"mlg://run/{number}" for number in range(201)]
    for urn in ids:
        report.report_refused("update", urn, f"You may not update {urn}.")
    report.report_refused("retire", ids[0], "No.")
    *updates, retired = lines(tmp_path / "a.jsonl", report)
    assert [(len(line["ids"]), len(line["reasons"]), "count" in line) for line in updates] == [
        (100, 100, False), (100, 100, False), (1, 1, False),
    ]  # fmt: skip
    assert [urn for line in updates for urn in line["ids"]] == ids
    assert [text for line in updates for text in line["reasons"]] == [f"You may not update {urn}." for urn in ids]
    assert (retired["action"], retired["ids"], retired["reasons"]) == ("retire", [ids[0]], ["No."])


@pytest.mark.parametrize("further", [1, 7])
def test_very_many_denied_writes_and_hidden_ids_are_counted(tmp_path: Path, further: int) -> None:
    """A compressed batch of events has 24,000 of them, 30 MB of lines in one callback; their number is not lost."""
    report = PolicyReport("v1")
    for number in range(MAX_REFUSED + further):
        report.report_refused("update", f"mlg://run/{number}", f"You may not update mlg://run/{number}.")
    report.absent.update(dict.fromkeys(f"mlg://run/hidden-{number}" for number in range(MAX_LOGGED_HIDDEN + 3)))
    found = lines(tmp_path / "a.jsonl", report)
    refused, hidden = ([line for line in found if line["event"] == event] for event in ("refused", "hidden"))
    assert sum(len(line["ids"]) for line in refused) == sum(len(line["reasons"]) for line in refused) == MAX_REFUSED
    assert sum(line.get("count", len(line["ids"])) for line in refused) == MAX_REFUSED + further
    assert sum(line.get("count", len(line["ids"])) for line in hidden) == MAX_LOGGED_HIDDEN + 3
    assert hidden[-1]["ids"] == []


def test_a_response_with_too_many_logged_values_is_withheld(tmp_path: Path) -> None:
    """The lines are written in one callback of the event loop. What the operation stored is logged nevertheless."""
    report, path = PolicyReport("v1"), tmp_path / "a.jsonl"
    for number in range(MAX_LOGGED_READS):
        report.report_read("Run.error", f"mlg://run/{number}")
    assert sum(len(each["ids"]) for each in lines(path, report)) == MAX_LOGGED_READS
    report.report_read("Run.error", "mlg://run/further")
    report.webhooks.append(("register", "mine", "ci"))
    before = len(path.read_bytes().splitlines())
    with pytest.raises(LimitError) as caught:
        lines(path, report)
    assert caught.value.extensions == {"limit": "logged", "actual": 10_001, "maximum": 10_000}
    added = [orjson.loads(each) for each in path.read_bytes().splitlines()[before:]]
    found = [(each["event"], each.get("count"), each.get("name"), each.get("owner")) for each in added]
    assert found == [("withheld", 10_001, None, None), ("webhook", None, "mine", "ci")]


def test_lines_are_appended_to_a_private_file(tmp_path: Path) -> None:
    """Earlier lines stay, and other users cannot read the file."""
    path = tmp_path / "a.jsonl"
    for count in (1, 2):
        assert len(lines(path, PolicyReport("v1"), ROOT)) == count
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_log_that_cannot_be_written_withholds_the_response(tmp_path: Path) -> None:
    """The error is one of the server, and says nothing about the path."""
    with pytest.raises(AccessLogError, match="withheld") as error:
        AccessLog(tmp_path, LABELS).write(ROOT, "r1", PolicyReport("v1"))
    assert error.value.code.value == "ACCESS_LOG_UNAVAILABLE"
    assert str(tmp_path) not in error.value.message


def test_the_folder_of_the_log_is_made(tmp_path: Path) -> None:
    """The setting wins over the data folder."""
    data, other = tmp_path / "data", tmp_path / "logs" / "x.jsonl"
    assert access_log_path(Settings.from_env({"MLG_DATA_DIR": str(data)})) == data / "access.jsonl"
    env = {"MLG_DATA_DIR": str(data), "MLG_ACCESS_LOG": str(other)}
    assert access_log_path(Settings.from_env(env)) == other
    assert data.is_dir()
    assert other.parent.is_dir()


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond ``size`` bytes: a write there is cut off, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("more", [0, 1, 60])
def test_a_disk_that_takes_a_part_of_a_line_gets_none_of_it(tmp_path: Path, more: int) -> None:
    """With space for a part of a line the response is withheld and the file unchanged; with space it goes on."""
    path = tmp_path / "a.jsonl"
    assert len(lines(path, PolicyReport("v1"), ROOT)) == 1
    before = path.read_bytes()
    with largest_file(len(before) + more), pytest.raises(AccessLogError):
        AccessLog(path, LABELS).write(ROOT, "r1", PolicyReport("v1"))
    assert path.read_bytes() == before
    assert len(lines(path, PolicyReport("v1"), ROOT)) == 2


def test_a_line_that_a_crash_cut_off_spoils_no_other_line(tmp_path: Path) -> None:
    """The next line begins on a line of its own, and the part stays as it is."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"event": "re')
    AccessLog(path, LABELS).write(ROOT, "r1", PolicyReport("v1"))
    part, line = path.read_bytes().splitlines()
    assert part == b'{"event": "re'
    assert orjson.loads(line)["event"] == "break_glass"


def test_a_log_that_another_process_holds_withholds_the_response(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workers append in turn; while one of them holds the file and does not go on, the others do not wait for ever."""
    path = tmp_path / "a.jsonl"
    monkeypatch.setattr(access_log_module, "LOCK_SECONDS", 0.05)
    with path.open("ab") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(AccessLogError):
            AccessLog(path, LABELS).write(ROOT, "r1", PolicyReport("v1"))
    assert len(lines(path, PolicyReport("v1"), ROOT)) == 1


def test_a_caller_who_has_spent_its_share_reads_no_logged_values(tmp_path: Path) -> None:
    """Twenty subscriptions would write 3.5 GB in 90 s, until the disk is full. Others, and denials, are logged on."""
    path, now = tmp_path / "a.jsonl", [0.0]
    log = AccessLog(path, LABELS, LogShares(lambda: now[0]))
    read, refused = PolicyReport("v1"), PolicyReport("v1")
    read.report_read("Run.error", "mlg://run/" + "x" * 500)
    for number in range(FEW_LOGGED + 2):
        refused.report_refused("update", f"mlg://run/{number}", "No.")
        refused.absent[f"mlg://run/hidden-{number}"] = None
    refused.hidden.update({"Run.error": 3, "Run.params": 4})
    log.write(ADA, "r1", read)
    size = path.stat().st_size
    for _ in range(BURST // size):
        log._shares.spend((ADA.tenant, ADA.subject), size)  # noqa: SLF001 - in place of a hundred thousand responses
    with pytest.raises(LimitError, match="after 1 s") as caught:
        log.write(ADA, "r2", read)
    assert caught.value.extensions["limit"] == "logShare"
    log.write(ADA, "r3", refused)
    log.write(ROOT, "r4", read)
    found = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    shown = [(line["requestId"], line["event"], len(line.get("ids", ())), line.get("count")) for line in found[1:7]]
    assert shown == [
        ("r2", "withheld", 0, 1), ("r3", "denied", 0, 7), ("r3", "hidden", FEW_LOGGED, None), ("r3", "hidden", 0, 2),
        ("r3", "refused", FEW_LOGGED, None), ("r3", "refused", 0, 2),
    ]  # fmt: skip
    assert {(line["requestId"], line["event"]) for line in found[7:]} == {("r4", "break_glass"), ("r4", "read")}
    now[0] += 1
    log.write(ADA, "r5", read)
    assert orjson.loads(path.read_bytes().splitlines()[-1])["event"] == "read"
