"""Writing: a batch is read, planned in memory without further reads, and written as one transaction.

Start at :mod:`app.graph.writing.writer`. ``prefetch`` reads what the commands need, ``batch_planner`` passes each
command to its handler in ``handlers``, ``rules`` holds what handlers share, and ``unit`` what they work on.
``audit_entries`` and ``idempotent_replay`` follow each command, ``effects`` follow the batch.
"""
