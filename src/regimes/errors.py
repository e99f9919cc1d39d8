"""Errors with a sentence for the user: what is wrong, which value, and what mends it."""


class RegimesError(Exception):
    """Raised on purpose; the message is one sentence, and the command line prints it without a traceback."""


class ClaimError(RegimesError, ValueError):
    """A claim that does not load; the message is one sentence that says why and what mends it."""


class SubjectError(RegimesError, ValueError):
    """A subject that cannot be used."""


class MissingPackage(SubjectError):
    """A subject that needs an optional package which is not installed; pytest skips its claims."""
