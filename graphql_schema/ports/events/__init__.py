"""Events of sources as they are written."""
