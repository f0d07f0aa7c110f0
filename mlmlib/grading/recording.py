"""What a check would check: noted, instead of checked, while `recording` is on. Seals and tests are made from that."""
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

_log: list | None = None


@dataclass
class Record:
    """What one check looks at: noted while recording. `known` has pairs of a wrong answer and the reply to it."""

    kind: str
    name: str
    what: str
    expected: Any = None
    known: list = field(default_factory=list)
    between: tuple | None = None
    options: list | None = None
    digits: int = 3
    confirm: bool = False
    sample: tuple | None = None


class Name:
    """Stands for a student's variable while recording."""

    def __init__(self, name):
        self.name = name


@contextmanager
def recording():
    """Collect a `Record` of each check made inside, instead of checking."""
    global _log
    before, _log = _log, []
    try:
        yield _log
    finally:
        _log = before


def note(kind, value, what, **more):
    """Whether checks are recorded now; if so, this one is."""
    if _log is None:
        return False
    _log.append(Record(kind, getattr(value, "name", ""), what, **more))
    return True
