"""Addresses as they are shown and stored: no user, password or parameter of them is left."""

import pytest

from app.ingest.shown_address import without_credentials, without_secrets


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql://u:p@ss@db:5432/mlflow", "postgresql://db:5432/mlflow"),
        ("postgresql://h/db?password=x", "postgresql://h/db"),
        ("postgresql+psycopg2://u:p/w@h/db?sslmode=require&user=a@b", "postgresql+psycopg2://h/db"),
        ("postgresql://u:p?w#x@h/db", "postgresql://h/db"),
        ("postgresql://u:12/3@h/db", "postgresql://h/db"),
        ("mysql+pymysql://u@h/db?passwd=x#y", "mysql+pymysql://h/db"),
        ("mssql+pyodbc:///?odbc_connect=PWD%3Dx", "mssql+pyodbc:///"),
        ("sqlite:////var/a@b/mlflow.db", "sqlite:////var/a@b/mlflow.db"),
        ("sqlite:///file:/a.db?mode=ro&key=x", "sqlite:///file:/a.db"),
        ("https://u:p@mlflow.example.com", "https://mlflow.example.com"),
        ("http://u:p?w@h/a", "http://h/a"),
        ("http://h:5000/a@b?x=c@d#e", "http://h:5000/a@b"),
        ("http://[::1]:5000/a@b", "http://[::1]:5000/a@b"),
        ("https://h?token=a@b", "https://h"),
        ("s3://key:secret@bucket/a@b?x=y", "s3://bucket/a@b"),
        ("hdfs://name:8020/a@b", "hdfs://name:8020/a@b"),
        ("abfss://box@account.dfs/a?sig=x", "abfss://box@account.dfs/a"),
        ("abfss://box:x@account.dfs/a", "abfss://account.dfs/a"),
        ("jdbc:postgresql://h/db?user=u&password=x", "jdbc:postgresql://h/db"),
        ("jdbc:sqlserver://h:1433;user=u;password=x", "jdbc:sqlserver://h:1433"),
        ("jdbc:oracle:thin:u/x@//h:1521/s", "jdbc:oracle"),
        ("jdbc:oracle:thin:u/x@h:1521:s", "jdbc:oracle"),
        ("plain text?", "plain text?"),
    ],
)
def test_an_address_is_shown_without_credentials(address: str, shown: str) -> None:
    """User info, query and fragment are left out, whatever a password contains; a path and a container stay."""
    assert without_credentials(address) == shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no route to http://u:p%2Fw@h/api/x, u:p%2Fw@h", "no route to http://h/api/x, h"),
        ("wrong password p/w or p%2Fw of u at h", "wrong password *** or *** of u at h"),
        ("http://u:p%2Fw@h/?token=abc&page=2: page 2 for abc", "http://h/: page 2 for ***"),
    ],
)
def test_an_error_is_shown_without_the_secrets_of_an_address(text: str, expected: str) -> None:
    """The address, its user info, and the secrets by themselves, encoded or not, are left out."""
    assert without_secrets(text, "http://u:p%2Fw@h/?token=abc&page=2") == expected


def test_an_address_without_secrets_leaves_a_text_as_it_is() -> None:
    """An empty user info or password replaces nothing."""
    for address in ("http://h", "http://@h", "http://u:@h?token="):
        assert without_secrets("user@example.com: a b", address) == "user@example.com: a b"
