"""Writing: batches of several calls are planned in memory and written as one transaction.

If planning needs values that were not read, they are read, and all batches of the transaction are planned again.
Start at :mod:`app.graph.writing.writer`. ``group_commit`` takes batches from the queue and writes them, by the plan of
``group_plan``. ``prefetch`` reads what the commands need, ``batch_planner`` passes each command to its handler in
``handlers``, ``rules`` holds what handlers share, and ``unit`` what they work on. ``idempotent_replay`` replays or
stores the outcome of an idempotency key. ``audit_entries`` stages the audit of a command after its handler.
``effects`` adds the effects of a batch on other assets, before the next batch is planned.
"""
