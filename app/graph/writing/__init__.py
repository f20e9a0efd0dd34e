"""Writing: what a batch touches is read, planned in memory by pure functions, and written as one transaction.

Start at :mod:`app.graph.writing.writer`. ``reading`` says what to read, ``state`` holds it, ``plan`` walks the items
over drafts of it (``registering``, ``linking``, ``consequences``), ``vertices`` and ``edges`` are the records.
"""
