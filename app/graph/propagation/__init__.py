"""Propagation: sensitivity and tags follow the data along edges.

Effective sensitivity of a vertex v is ``eff(v) = max(declared(v), eff(u) for every u that propagates to v)``, the least
solution. Sensitivity propagates

- from u to v along a current edge of a carrying relation, unless the edge is declassified or unconfirmed;
- from a child of an asset group to the targets of the carrying edges of its parent, but not to the parent itself;
- from a parent to its children.

It does not propagate to the kinds listed in ``policies/sensitivity.toml``: their effective sensitivity is the declared
one. An edge counts from the moment it is stored until it ends, also if its validity begins in the future.

:mod:`app.graph.propagation.stored_flows` reads these neighbours from the store and
:mod:`app.graph.propagation.known_flows` from the records of a batch. :mod:`app.graph.writing.effects.raise_sensitivity`
raises sensitivity within a write, :mod:`app.graph.commits.sensitivity_floors` covers what is not raised yet, and
:mod:`app.graph.jobs.sensitivity_job` does the remaining work from the outbox. Rules for users: docs/sensitivity.md;
reasons: docs/adr/0007-effective-sensitivity.md.
"""
