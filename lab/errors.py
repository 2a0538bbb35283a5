"""The one error that a user of the lab sees."""


class LabError(Exception):
    """A failure, with its host or file and what to do about it; printed without a traceback."""
