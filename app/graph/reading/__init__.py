"""Reads of one caller: the policy is evaluated on a record before it is returned.

Totals of listings are counted by the index, with the row filter.
:mod:`app.graph.reading.reader` is the entry point. Rows by id, relation pages, listings, search, attached records and
lineage have a module or package each. All of these get their rows from :mod:`app.graph.reading.visible_rows`. All
requests of one query level are sent as one by :mod:`app.graph.reading.level`, unless together they read too much.
:mod:`app.graph.reading.team_closure` is apart: authentication uses it, before there is a policy for the caller.
"""
