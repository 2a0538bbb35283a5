"""The one error that a user of the lab sees."""


class LabError(Exception):
    """What failed, on which host or file, and what to do; printed without a traceback."""
