"""The ASGI object for servers: ``uvicorn app.main:app``."""

from app.factory import create_app
from app.settings import Settings

app = create_app(Settings.from_env())
