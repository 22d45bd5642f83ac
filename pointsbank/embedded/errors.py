"""The one error of this package."""


class EmbeddedError(Exception):
    """An embedded server could not be started or stopped; the message says why and where its log is."""
