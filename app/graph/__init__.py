"""All access to the graph: stored records, the driver, reads, writes, background jobs, maintenance.

No other package sends Gremlin, except for the readiness check :mod:`app.store.self_check`.
"""
