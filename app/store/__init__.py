"""The embedded JanusGraph: jars, JRE, start, supervision, stop."""
