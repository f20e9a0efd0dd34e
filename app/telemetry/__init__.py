"""Reports of a process to its operators."""
