"""The connections of the server below HTTP: how many there are, and how long each may wait for its client."""
