"""The documentation as a site: its navigation, pages that are generated for it, and the check of its links."""
