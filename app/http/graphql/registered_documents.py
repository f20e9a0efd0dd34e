"""Documents that clients register by their hash while the server runs (automatic persisted queries)."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

Caller = tuple[str, str]
"""Tenant and subject."""

ENTRY_BYTES: Final = 200
"""Bytes that an entry counts in addition to its text."""


@dataclass(slots=True)
class RegisteredDocuments:
    """Texts by caller and hash; ``size`` is their number of bytes in UTF-8, plus ENTRY_BYTES for each.

    Callers do not share entries: a hash that another caller registered would otherwise disclose that this caller has
    sent the document. ``caller_bytes`` bounds one caller, so that no caller displaces the entries of all others: beyond
    it, the caller loses the least recently used entries. ``total_bytes`` bounds all callers: beyond it, the caller who
    has used none for the longest time loses entries.
    """

    total_bytes: int = 16 * 1024 * 1024
    caller_bytes: int = 1024 * 1024
    size: int = 0
    _texts: OrderedDict[Caller, OrderedDict[str, str]] = field(default_factory=OrderedDict)
    _sizes: dict[Caller, int] = field(default_factory=dict)

    def get(self, caller: Caller, digest: str) -> str | None:
        """Return the text that a caller has registered under a hash, None if there is none."""
        texts = self._texts.get(caller)
        if texts is None or digest not in texts:
            return None
        self._texts.move_to_end(caller)
        texts.move_to_end(digest)
        return texts[digest]

    def put(self, caller: Caller, digest: str, text: str) -> None:
        """Register a text under its hash, and drop older entries beyond the limits."""
        if self.get(caller, digest) is not None:
            return
        self._texts.setdefault(caller, OrderedDict())[digest] = text
        self._texts.move_to_end(caller)
        self._count(caller, _bytes(text))
        while self._sizes[caller] > self.caller_bytes and len(self._texts[caller]) > 1:
            self._forget_oldest_of(caller)
        while self.size > self.total_bytes and len(self._texts) > 1:
            self._forget_oldest_of(next(iter(self._texts)))

    def _forget_oldest_of(self, caller: Caller) -> None:
        texts = self._texts[caller]
        _, text = texts.popitem(last=False)
        self._count(caller, -_bytes(text))
        if not texts:
            del self._texts[caller], self._sizes[caller]

    def _count(self, caller: Caller, amount: int) -> None:
        self.size += amount
        self._sizes[caller] = self._sizes.get(caller, 0) + amount


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass")) + ENTRY_BYTES
