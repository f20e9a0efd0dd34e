"""The access log, the metrics, the spans, and the log of the process."""
