"""What of a state that was read for a transaction is to be read again, because other transactions have touched it."""
