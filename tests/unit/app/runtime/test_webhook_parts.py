"""The webhooks of a process by its settings."""

import pytest

from app.runtime.webhook_parts import webhook_rights
from app.settings import Settings
from policies.errors import ConfigurationError


def test_webhooks_are_off_without_hosts() -> None:
    """Without the setting there are no rules, with it those of its hosts, and an invalid one stops the start."""
    assert webhook_rights(Settings.from_env({}), b"k" * 32) is None
    rights = webhook_rights(
        Settings.from_env({"MLG_WEBHOOK_HOSTS": "hooks.example.com, http://127.0.0.1:9"}), b"k" * 32
    )
    assert rights is not None
    assert [rule.host for rule in rights.hosts.rules] == ["hooks.example.com", "127.0.0.1"]
    with pytest.raises(ConfigurationError, match="MLG_WEBHOOK_HOSTS"):
        webhook_rights(Settings.from_env({"MLG_WEBHOOK_HOSTS": "ftp://x"}), b"k" * 32)
