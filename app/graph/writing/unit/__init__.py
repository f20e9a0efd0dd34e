"""The unit of work of one item of a batch: its look-ups, visibility, staged changes and audit trail."""
