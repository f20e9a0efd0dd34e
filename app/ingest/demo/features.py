"""Feature sets with their features; each set is derived from one table and used by one or more models."""

# ruff: noqa: E501 - one row of a table a line, so that it reads as a table

from collections.abc import Iterator

from app.ingest.demo.datasets import dataset
from app.ingest.demo.ids import Item, domain, feature, feature_set, instant, owned_by, tag

_SETS = (
    ("profile-taste", "ranking", "discovery", "profile_id", "watch-history", ("favourite_genre", "minutes_28d", "titles_28d", "night_share")),
    ("title-popularity", "ranking", "discovery", "title_id", "impressions", ("plays_7d", "play_rate_7d", "trend")),
    ("query-intent", "ranking", "discovery", "query", "searches", ("query_length", "query_ctr", "is_title_name")),
    ("title-vectors", "content-understanding", "discovery", "title_id", "titles", ("text_vector", "poster_vector")),
    ("ad-affinity", "ads", "advertising", "profile_id", "ad-clicks", ("clicks_28d", "ad_ctr", "last_ad_hours")),
    ("account-engagement", "growth", "streaming", "account_id", "engagement-weekly", ("minutes_4w", "active_weeks", "sittings_trend")),
    ("account-plan", "growth", "commerce", "account_id", "subscriptions", ("plan_age_days", "renewals")),
    ("payment-history", "risk", "trust", "account_id", "payments", ("attempts_24h", "amount_zscore", "cards_30d")),
    ("device-trust", "risk", "trust", "device_id", "logins", ("accounts_on_device", "countries_7d")),
)  # fmt: skip

FEATURES = {name: features for name, *_, features in _SETS}
"""The names of the features of each set."""

_SECRET = {"payment-history", "device-trust"}


def features() -> Iterator[Item]:
    """Yield feature sets and their features."""
    for name, group, area, key, source, members in _SETS:
        secret = name in _SECRET
        yield {
            "featureSet": {
                "id": feature_set(name),
                "displayName": name,
                "description": f"{key.removesuffix('_id').capitalize()} features from {source}",
                "owners": owned_by(group),
                "domain": domain(area),
                "tags": [tag("tier-1")] if name == "profile-taste" else [],
                "visibility": "TEAM" if secret else "ORG",
                "sensitivity": "CONFIDENTIAL" if secret else "INTERNAL",
                "entityKeys": [key],
                "online": name != "account-plan",
                "derivedFrom": [dataset(source)],
                "features": [feature(name, one) for one in members],
                "sourceCreatedAt": instant(-200),
            }
        }
        for one in members:
            vector = one.endswith("_vector")
            yield {
                "feature": {
                    "id": feature(name, one),
                    "displayName": one,
                    "dataType": "float[256]" if vector else "double",
                    "expression": f"{one}({source} by {key})",
                    "freshnessSla": "PT1H" if secret else "P1D",
                    "derivedFrom": [dataset(source)],
                    "visibility": "TEAM" if secret else "ORG",
                    "sourceCreatedAt": instant(-200),
                }
            }
