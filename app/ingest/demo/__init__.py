"""The demo estate: Harbour, a fictional streaming service with recommendation, search, advertising and fraud checks.

Items to register, equal every time: ``people``, ``datasets``, ``features`` derived from them, ``models`` that use both,
``serving`` in services, and ``reports``.

Mutations of several callers in order, the scenario: ``quality`` of the last week, ``usage`` of the last thirty days,
and ``releases`` of versions. The days of quality and usage are counted back from today, those of releases are fixed.
The scenario is left out on a store with `releases.FINAL_ASSET`, or if an item failed. ``cast`` has the callers.
``estate`` combines items and scenario.
"""
