"""Selections on attached records, for tests of what their fields disclose."""

REPORTED = {
    "Change": "{ id subjectId subject { id } fields { field before after } }",
    "Approval": "{ id subject { id } }",
    "Check": "{ id asset { id } latestResult { id } results(first: 100) { totalCount nodes { id } } }",
    "CheckResult": "{ id check { id asset { id } } }",
    "Incident": "{ id assets { id } cause { id } }",
    "ChangePlan": "{ id roots { id } impact { total } impactNow { total } }",
    "Ingestion": "{ id subject { id } names { asset { id } } assets { asset { id } } "
    "edges { source { id } target { id } } ignored { facet } }",
    "ThinEvent": "{ id subject { id } asset { id } }",
}
"""The selections on attached records: every field that may name an asset."""
