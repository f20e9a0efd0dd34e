"""The policy applied to stored records and edges."""
