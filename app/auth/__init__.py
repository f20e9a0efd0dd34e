"""From an Authorization header to a Principal."""
