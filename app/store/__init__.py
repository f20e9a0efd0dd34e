"""The store as a process: start, supervision and stop of an embedded JanusGraph, and checks of its data and schema."""
