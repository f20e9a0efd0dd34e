"""Effective sensitivity: where it flows, what hides what is not raised yet, and the job that catches up.

``eff(v) = max(declared(v), eff(u) for every u from which sensitivity flows to v)``, the least such values. It flows

- along a current, not declassified edge of a relation that carries data, from ``u`` to ``v``;
- from a part to what the current carrying edges of its whole lead to, not to the whole itself;
- from a whole to its parts;

and it stops at the kinds of ``policies/sensitivity.toml``, which have what they declare. An edge that is still to begin
counts already: it is current as long as it has not ended.

``flows`` reads neighbours, ``fences`` hides, ``pending`` holds what is still to be done, ``settling`` does one batch of
it, ``loop`` runs a job and ``job`` is the one that does all of it. What a write raises by itself is in
:mod:`app.graph.writing.effects.raise_sensitivity`; docs/sensitivity.md explains, docs/adr/0007-effective-sensitivity.md
says why.
"""
