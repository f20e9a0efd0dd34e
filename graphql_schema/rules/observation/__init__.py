"""What an asset is by all events about it: pure folds of observed values, in whatever order the events arrive."""
