"""Native properties: the values by which the store finds, filters and orders vertices."""
