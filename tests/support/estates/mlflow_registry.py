"""The registry of MLflow that `tests/data/mlflow/make_registry.py` makes, and the account that imports it."""

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

from support.servers.in_process import Api

from app.auth.dev_issuer import DevIssuer
from app.auth.personas import Persona
from policies.principal import PrincipalKind

DATA = Path(__file__).parents[2] / "data" / "mlflow"
RANKING = "mlg://team/catalog/default/ranking"


def make_registry(folder: Path) -> Path:
    """Make the registry, and return the file of its database; takes seconds."""
    file = folder / "registry.db"
    maker().build(file)
    return file


def open_to_write(file: Path) -> Any:
    """Return a client that writes into a registry."""
    uri = f"sqlite:///{file}"
    return importlib.import_module("mlflow").MlflowClient(tracking_uri=uri, registry_uri=uri)


def maker() -> ModuleType:
    """Return the module that makes the registry."""
    spec = importlib.util.spec_from_file_location("make_registry", DATA / "make_registry.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def importer(api: Api, *roles: str) -> str:
    """Return a token of a service account of team ranking with some roles."""
    account = Persona(
        name="mlflow-import",
        about="Service account that imports the registry of team ranking",
        kind=PrincipalKind.SERVICE_ACCOUNT,
        display_name="MLflow import",
        groups=("ranking",),
        roles=roles,
        scopes=("graph:read", "graph:write"),
    )
    return DevIssuer(api.process.settings).mint(account)
