"""Users and teams of Harbour, its domains, and its tags."""

from collections.abc import Iterator

from app.ingest.demo.ids import Item, domain, tag, team, user

_TEAMS = (
    ("product", None, "Product and engineering", ()),
    ("discovery", "product", "What to watch next: recommendation and search", ()),
    ("ranking", "discovery", "Orders home pages and search results", ("ada", "edda", "ci-ranking")),
    ("content-understanding", "discovery", "Turns titles into vectors", ("finn", "mara")),
    ("monetisation", "product", "Subscriptions and advertising", ()),
    ("ads", "monetisation", "Chooses and paces advertisements", ("bo", "gus")),
    ("growth", "monetisation", "Wins and keeps subscribers", ("hana", "ivo")),
    ("risk", None, "Keeps fraud out of payments and accounts", ("juno", "karl")),
    ("platform", None, "Runs the data and machine-learning platform", ("root", "lena", "ci-platform")),
    ("governance", None, "Decides what may be known about whom", ("cy",)),
)

_USERS = (
    ("ada", "Ada", "PERSON"),
    ("bo", "Bo", "PERSON"),
    ("cy", "Cy", "PERSON"),
    ("root", "Root", "PERSON"),
    ("edda", "Edda Lind", "PERSON"),
    ("finn", "Finn Aalto", "PERSON"),
    ("gus", "Gus Moreau", "PERSON"),
    ("hana", "Hana Sato", "PERSON"),
    ("ivo", "Ivo Marek", "PERSON"),
    ("juno", "Juno Okafor", "PERSON"),
    ("karl", "Karl Brandt", "PERSON"),
    ("lena", "Lena Weiss", "PERSON"),
    ("mara", "Mara Costa", "PERSON"),
    ("ci-ranking", "CI of ranking", "SERVICE_ACCOUNT"),
    ("ci-platform", "CI of the platform", "SERVICE_ACCOUNT"),
)

_LEFT = {"mara"}

_DOMAINS = (
    ("streaming", None, "Everything that happens between a subscriber and the player"),
    ("discovery", "streaming", "Finding something to watch"),
    ("playback", "streaming", "Watching it"),
    ("commerce", None, "Money: subscriptions, payments, advertising"),
    ("advertising", "commerce", "Paid messages between titles"),
    ("trust", None, "Fraud, abuse and account safety"),
)

_TAGS = (
    ("pii", "PII", True, "Names a person, or can be traced to one"),
    ("payment-data", "REGULATORY", True, "Card and account numbers: PCI DSS applies"),
    ("gdpr-erasable", "REGULATORY", True, "Rows are erased at the request of a subscriber"),
    ("certified", "QUALITY", False, "Checked every day, with an owner"),
    ("known-gaps", "QUALITY", True, "Days are missing; see the description"),
    ("tier-1", "FREE", False, "An outage alerts the engineer on call"),
    ("experimental", "FREE", False, "May vanish without notice"),
)


def people() -> Iterator[Item]:
    """Yield users, teams, domains and tags."""
    for name, display_name, kind in _USERS:
        body = {"id": user(name), "name": name, "displayName": display_name, "kind": kind, "active": name not in _LEFT}
        yield {"user": body | ({"email": f"{name}@harbour.example"} if kind == "PERSON" else {})}
    for name, parent, about, members in _TEAMS:
        roster = [{"user": user(one), "role": "lead" if index == 0 else "member"} for index, one in enumerate(members)]
        body = {"id": team(name), "name": name, "displayName": name.capitalize(), "description": about}
        yield {"team": body | {"members": roster} | ({"parent": team(parent)} if parent else {})}
    for name, parent, about in _DOMAINS:
        yield {
            "domain": {"id": domain(name), "name": name, "description": about}
            | ({"parent": domain(parent)} if parent else {})
        }
    for name, kind, propagates, about in _TAGS:
        yield {"tag": {"id": tag(name), "name": name, "tagKind": kind, "propagates": propagates, "description": about}}
