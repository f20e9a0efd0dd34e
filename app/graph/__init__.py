"""The only package that sends Gremlin: stored records, the driver, reads, writes, background jobs, maintenance."""
