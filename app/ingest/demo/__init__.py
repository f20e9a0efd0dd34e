"""The demo estate: Harbour, a streaming service that recommends, searches, advertises, and keeps fraud out.

Read it as a story: ``people`` who work there, the ``data`` that the player leaves behind, the ``features`` made of it,
the ``models`` trained on them, the ``serving`` that puts them before subscribers and logs what happens next, and the
``reports`` that tell how it went. ``estate`` puts the chapters together; the same items come out every time.
"""
