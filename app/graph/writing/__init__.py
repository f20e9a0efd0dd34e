"""Writing: what a batch touches is read, planned in memory by pure functions, and written as one transaction.

Start at :mod:`app.graph.writing.writer`. ``reading`` says what to read, ``state`` holds it, ``plan`` walks the items
over a ``unit`` of it each. What an item does is in a file of its verb, such as ``registering`` or ``deleting``; these
share ``permits``, ``refusal``, ``consequences`` and ``facts``. ``audit`` and ``receipts`` come after each item,
``moving``, ``spreading`` and ``passing`` after the batch. ``vertices``, ``edges`` and ``tagging`` are the records.
"""
