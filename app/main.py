"""The ASGI object for servers: ``uvicorn app.main:app``.

``mlg serve`` and ``mlg dev`` add the limits of connections (``app/http/connections``); another server must have its
own.
"""

from app.factory import create_app
from app.runtime.process import Process
from app.settings import Settings

app = create_app(Process(Settings.from_env()))
