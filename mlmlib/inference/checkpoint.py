"""Finished blocks of a long run, kept in a file: an interrupted or killed run goes on from there.

The file is an SQLite database, so that a block is in it whole or not at all, whatever ends the process. It says what it holds, and
before it is believed, its first replicate is made again: other data, another model or another statistic give another one.

Chapter 8 (``08_inference``) uses it for the bootstrap, Chapter 21 (``21_planning``) for power by simulation.
"""

from __future__ import annotations

import contextlib
import io
from dataclasses import fields
from pathlib import Path

import numpy as np

from ..errors import DataError

__all__ = ["Checkpoint", "seed_of"]

_CLOSE = 1e-6  # relative difference that another machine's arithmetic may leave in a replicate


def seed_of(path) -> int | None:
    """The seed of the run that a file holds; None where there is no file."""
    if path is None or not Path(path).exists():
        return None
    with _opened(path) as database:
        found = database.execute("select seed from run").fetchone()
    return None if found is None else int(found[0])


@contextlib.contextmanager
def _opened(path):
    """The database, with its tables; what is none is one clear error."""
    import sqlite3
    database = None
    try:
        database = sqlite3.connect(path)
        database.execute("create table if not exists run (about text, seed text)")
        database.execute("create table if not exists blocks (number integer primary key, size integer, held blob)")
        yield database
    except sqlite3.DatabaseError as error:
        raise DataError(f"checkpoint={str(path)!r} cannot be used ({error}): name a file of an earlier run, or one that does not exist "
                        "yet in a folder that does.") from None
    finally:
        if database is not None:
            database.close()


class Checkpoint:
    """The blocks of one run in a file; without a path it keeps nothing.

    Parameters
    ----------
    path : path or None
    kind : type
        The dataclass of a block: its fields are arrays, texts and lists of texts, ``values`` has a row a replicate.
    about : str
        What is run, for people.
    seed : int
    """

    def __init__(self, path, kind: type, about: str, seed: int):
        self.path, self.kind, self.about, self.seed = path, kind, about, seed

    def known(self, make, seeds, sizes) -> dict:
        """The blocks that are there, by number.

        Raises
        ------
        DataError
            When the file holds another run.
        """
        if self.path is None:
            return {}
        with _opened(self.path) as database:
            own, there = (self.about, str(self.seed)), database.execute("select about, seed from run").fetchone()
            if there is None:
                with database:
                    database.execute("insert into run values (?, ?)", own)
                return {}
            if tuple(there) != own:
                raise DataError(f"checkpoint={str(self.path)!r} holds another run ({there[0]}, seed {there[1]}); this is {own[0]}, seed "
                                f"{own[1]}. Name another file, or remove this one.")
            rows = database.execute("select number, size, held from blocks order by number").fetchall()
        found = {number: _unpacked(self.kind, held) for number, size, held in rows if number < len(sizes) and size == sizes[number]}
        if found:
            self._compare(make, *next(iter(found.items())), seeds)
        return found

    def _compare(self, make, number: int, block, seeds) -> None:
        """Make the first replicate of a block again."""
        seed = np.random.SeedSequence(seeds[number].entropy, spawn_key=seeds[number].spawn_key)  # spawns as if never used
        again, kept = make(seed, 1).values[0], block.values[0]
        if again.shape != kept.shape or not np.allclose(again, kept, rtol=_CLOSE, atol=_CLOSE * _size(kept), equal_nan=True):
            raise DataError(f"checkpoint={str(self.path)!r} is of other data, another model or another statistic: its first replicate comes "
                            "out differently now. Name another file, or remove this one.")

    def keep(self, number: int, size: int, block) -> None:
        """Put a finished block into the file."""
        if self.path is not None:
            with _opened(self.path) as database, database:
                database.execute("insert or replace into blocks values (?, ?, ?)", (number, size, _packed(block)))


def _size(values: np.ndarray) -> float:
    """The largest finite number, below which differences are rounding."""
    return float(np.abs(values[np.isfinite(values)]).max(initial=0.0))


def _packed(block) -> bytes:
    """A block as bytes."""
    held = io.BytesIO()
    values = {field.name: getattr(block, field.name) for field in fields(block)}
    np.savez(held, **{name: np.array(value, dtype=str) if isinstance(value, (str, list)) else value for name, value in values.items()})
    return held.getvalue()


def _unpacked(kind: type, held: bytes):
    """The block again."""
    with np.load(io.BytesIO(held)) as file:
        return kind(**{name: file[name].tolist() if file[name].dtype.kind == "U" else file[name] for name in file.files})
