"""The demo estate: Harbour, a fictional streaming service with recommendation, search, advertising and fraud checks.

Items to register, equal every time: ``people``, ``datasets``, ``features`` made of them, ``models`` trained on those,
``serving`` in services, and ``reports``.

Mutations of several callers in order, the scenario: ``quality`` of the last week, ``usage`` of the last month, and
``releases`` of versions. ``cast`` has the callers. The scenario runs once, with days counted back from today.
``estate`` combines all of it.
"""
