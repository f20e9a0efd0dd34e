"""The host of a store: what the API needs of the process that runs the store, if it is a child of the API."""

from typing import Protocol

from app.store.errors import StoreReason


class StoreHost(Protocol):
    """The owner of the store's process; a store of ``MLG_STORE_URL`` has none."""

    @property
    def starts(self) -> int:
        """Number of times that the store's process was started and became ready."""

    def outage(self) -> StoreReason | None:
        """Return why no request may be sent to the store at present; None if requests are served."""

    def free_bytes(self) -> int:
        """Return the free bytes of the disk of the store."""

    def has_space(self) -> bool:
        """Return whether the disk of the store has as much free space as its writes demand."""

    async def restart(self, reason: StoreReason) -> None:
        """End the store's process, which the host then starts again; no effect while the store is not ready."""
