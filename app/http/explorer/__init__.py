"""The explorer at ``/``: the page that is built from ``web/``, and its files."""
