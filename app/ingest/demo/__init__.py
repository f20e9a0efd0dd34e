"""The demo estate: Harbour, a streaming service that recommends, searches, advertises, and keeps fraud out.

Read it as a story: ``people`` who work there, the ``data`` that the player leaves behind, the ``features`` made of it,
the ``models`` trained on them, the ``serving`` that puts them before subscribers and logs what happens next, and the
``reports`` that tell how it went. That is what is there: items to register, the same every time.

What happened to it is the chronicle, mutations of several people in order: ``quality`` of the last week, ``usage`` of
the last month, and the ``releases`` that made versions serve; ``cast`` says who acts. It is told once, and its days are
counted back from today. ``estate`` puts the chapters together.
"""
