"""Charts and dashboards, at the downstream end of the estate."""

from collections.abc import Iterator

from app.ingest.demo.datasets import dataset
from app.ingest.demo.ids import Item, domain, instant, link, owned_by, report

_REPORTS = (
    ("minutes-by-title", "chart", "content-understanding", "playback", ("plays", "titles")),
    ("home-page-funnel", "chart", "ranking", "discovery", ("impressions",)),
    ("search-success", "chart", "ranking", "discovery", ("searches",)),
    ("ad-revenue", "chart", "ads", "advertising", ("ad-clicks", "campaigns")),
    ("cancellations", "chart", "growth", "commerce", ("subscriptions", "engagement-weekly")),
    ("fraud-losses", "dashboard", "risk", "trust", ("payments", "chargebacks")),
    ("ad-revenue-2025", "chart", "ads", "advertising", ("clicks-legacy",)),
)


def reports() -> Iterator[Item]:
    """Yield charts and dashboards; the dashboard of the Monday meeting shows all charts except the replaced one."""
    for name, kind, group, area, sources in _REPORTS:
        yield _report(name, kind, group, area, [dataset(one) for one in sources])
    charts = [report(name) for name, kind, *_ in _REPORTS if kind == "chart" and not name.endswith("-2025")]
    yield _report("monday-meeting", "dashboard", "platform", "streaming", charts)
    yield link("REPLACED_BY", report("ad-revenue-2025"), report("ad-revenue"))


def _report(name: str, kind: str, group: str, area: str, inputs: list[str]) -> Item:
    return {
        "report": {
            "id": report(name),
            "displayName": name.replace("-", " ").capitalize(),
            "reportKind": kind,
            "url": f"https://looker.harbour.example/{kind}s/{name}",
            "owners": owned_by(group),
            "domain": domain(area),
            "visibility": "TEAM" if group == "risk" else "ORG",
            "stage": "DEPRECATED" if name.endswith("-2025") else "ACTIVE",
            "inputs": inputs,
            "sourceCreatedAt": instant(-100),
        }
    }
