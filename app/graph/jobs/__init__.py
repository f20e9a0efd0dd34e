"""Background jobs: three work off the outbox entries that writes leave, one deletes receipts.

``sensitivity_job`` recomputes sensitivity (docs/sensitivity.md), ``tag_job`` propagates tags (docs/tags.md),
``inference_job`` derives inferred edges (docs/enrichment.md), ``receipt_expiry`` deletes expired receipts.
"""
