"""Turns DataHub's metadata files into items of the API contract.

``records`` reads files into entities, ``names`` gives every foreign id its URN, ``facts`` maps what all kinds share,
``assets``, ``models`` and ``people`` map one entity type each, and ``mapping`` puts them together.
"""
