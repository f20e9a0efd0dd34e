"""Background jobs: what follows from a write later, worked off from the outbox.

``sensitivity_job`` lowers and raises sensitivity (docs/sensitivity.md), ``tag_job`` propagates tags (docs/tags.md),
``inference_job`` derives inferred edges (docs/enrichment.md), ``receipt_expiry`` deletes expired receipts.
"""
