"""Authentication: from an ``Authorization`` header to a `policies.principal.Principal`."""
