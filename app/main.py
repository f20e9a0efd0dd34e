"""The ASGI object for servers: ``uvicorn app.main:app``.

The limits of connections (``app/http/connections``) hold for ``mlg serve`` only; another server must have its own.
"""

from app.factory import create_app
from app.runtime.process import Process
from app.settings import Settings

app = create_app(Process(Settings.from_env()))
