"""Sign-in of people by a browser: authorization code with PKCE, and the session in an encrypted cookie."""
