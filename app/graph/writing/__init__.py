"""Writing: the batches of the calls that wait are read, planned in memory, and written as one transaction.

If the plan needs values that were not read, they are read, and all is planned again.
Start at :mod:`app.graph.writing.writer`. ``group_commit`` writes the batches in the queue, by the plan of
``group_plan``. ``prefetch`` reads what the commands need, ``batch_planner`` passes each command to its handler in
``handlers``, ``rules`` holds what handlers share, and ``unit`` what they work on. ``idempotent_replay`` replays or
stores the outcome of an idempotency key, ``audit_entries`` follows the handler, and ``effects`` follow the batch,
before the next one is planned.
"""
