"""The command `mlg impact`: what a change of files would affect, as text, as a comment, and as an exit code."""
