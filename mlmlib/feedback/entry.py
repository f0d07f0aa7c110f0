"""What an entry of the tables of known mistakes is."""

from collections.abc import Callable
from typing import NamedTuple


class Entry(NamedTuple):
    """What was asked, the mistake's name, the reply ({value} is its answer), and how it computes that answer.

    The names of the function's parameters are the facts it needs: those of `facts.py`, or numbers that the author of
    a question gives. `right` is the right answer itself, `power` 1/2 where an SD is asked for and 1 for a variance,
    `sign` -1 for the lower end of an interval.
    """

    asked: tuple
    name: str
    reply: str
    compute: Callable
