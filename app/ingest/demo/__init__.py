"""The demo estate: Harbour, a fictional streaming service with recommendation, search, advertising and fraud checks.

Items to register, equal every time: ``people``, ``datasets``, ``features`` made of them, ``models`` trained on those,
``serving`` in services, and ``reports``.

Mutations of several callers in order, the scenario: ``quality`` of the last week, ``usage`` of the last thirty days,
and ``releases`` of versions. The scenario runs once; the days of quality and usage are counted back from today, those
of releases are fixed. ``cast`` has the callers. ``estate`` combines items and scenario.
"""
