"""The read side: what one caller asks for, level by level, every record judged before it is counted, paged or used.

:mod:`app.graph.reading.reader` is the way in. Points, related pages, listings and facts each ask in their own way; all
take their rows from :mod:`app.graph.reading.visible_rows`.
"""
