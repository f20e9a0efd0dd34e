"""The access log, the metrics, and the stream of the log of the process."""
