"""Change plans: an announced change, what it affects, and the acknowledgements of the teams that it concerns."""
