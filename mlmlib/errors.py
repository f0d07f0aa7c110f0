"""The two errors that unusable input raises; each message names the column or term and the mend."""


class DataError(ValueError):
    """The data cannot carry the model asked for: the message names the column and what to do."""


class FormulaError(ValueError):
    """The formula cannot be read, or asks for something that is not there."""
