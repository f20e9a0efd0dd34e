"""Background jobs: four work off the outbox entries that writes leave, two delete expired records.

``sensitivity_job`` recomputes sensitivity (docs/sensitivity.md), ``tag_job`` propagates tags (docs/tags.md), and
``inference_job`` derives inferred edges (docs/enrichment.md). ``owner_job`` lets the children of a parent inherit its
owner team (docs/ownership.md). ``receipt_expiry`` deletes expired receipts, and ``ingestion_expiry`` old ingestions.
"""
