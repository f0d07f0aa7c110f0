"""Where chunks of rows come from: any iterable of frames, a folder of Parquet files, a DuckDB relation, a Dask DataFrame.

No table library is imported unless its table is there.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ..errors import DataError
from ..optional import needs

__all__ = ["chunks_of", "is_chunked", "on_the_cluster"]

_ROWS = 1 << 18  # of a chunk, where the source lets one choose
_BRANCHES = 8  # sums that a worker of Dask adds to one


def _is_table(data) -> bool:
    kind = type(data)
    return any(hasattr(kind, name) for name in ("columns", "column_names", "keys")) or bool(getattr(getattr(data, "dtype", None), "names", None))


def _library(data) -> str:
    return type(data).__module__.partition(".")[0].lstrip("_")


def is_chunked(data) -> bool:
    """True for what comes in chunks, False for a table that is all there, and for what is none; a file that is not there is refused."""
    if isinstance(data, (str, os.PathLike)):
        path = Path(data)
        if path.suffix in ("", ".parquet") and not path.exists():
            raise DataError(f"There is no folder or Parquet file {path.name!r}; a folder is named without a pattern such as "
                            "*.parquet.")
        return path.is_dir() or path.suffix == ".parquet" and path.is_file()
    if _library(data) == "duckdb" or hasattr(type(data), "to_delayed") or hasattr(type(data), "to_batches") and hasattr(type(data), "scanner"):
        return True
    if isinstance(data, (bytes, np.ndarray)) or _is_table(data) or hasattr(type(data), "collect") or not isinstance(data, Iterable):
        return False
    return not isinstance(data, (list, tuple)) or bool(data) and _is_table(data[0])


def chunks_of(data, columns):
    """An iterator of the chunks, with at least the columns named; a source that can choose columns gives no others."""
    if isinstance(data, (str, os.PathLike)):
        return _parquet(Path(data), columns)
    if _library(data) == "duckdb":
        quoted = ", ".join('"' + name.replace('"', '""') + '"' for name in columns)
        chosen = data.project(quoted)
        read = chosen.to_arrow_reader if hasattr(chosen, "to_arrow_reader") else chosen.fetch_record_batch
        with needs("Reading DuckDB's rows in chunks"):
            return iter(read(_ROWS))
    if hasattr(data, "scanner"):
        return iter(data.to_batches(columns=list(columns), batch_size=_ROWS))
    return iter(data)


def on_the_cluster(data, columns, plan, read, together):
    """The plan and the sums of a Dask DataFrame, made by its workers: rows stay where they are.

    Partitions are read one by one and their sums added in a tree, so that what travels to the reader's process is one plan and one
    sum of all rows; the tree is the same for any number of workers, and so is the result.

    Parameters
    ----------
    plan, read, together : callables
        partition -> plan; (plan, partition) -> sums; (plan, list of sums) -> sums.  They must be picklable.
    """
    with needs("A Dask DataFrame"):
        import dask
    made = dask.delayed(plan, pure=False)
    rows = data[list(columns)].to_delayed()
    first, = dask.compute(made(rows[0]))
    shared = dask.delayed(first)
    level = [dask.delayed(read, pure=False)(shared, part) for part in rows]
    while len(level) > 1:
        level = [dask.delayed(together, pure=False)(shared, level[at:at + _BRANCHES]) for at in range(0, len(level), _BRANCHES)]
    return first, dask.compute(*level)[0]


def _parquet(path: Path, columns):
    """Batches of one file or of all *.parquet below a folder."""
    with needs(f"Reading {path.name} in chunks"):
        import pyarrow.dataset as arrow
    files = sorted(map(str, path.rglob("*.parquet"))) if path.is_dir() else [str(path)]
    if not files or not all(name.endswith(".parquet") for name in files):
        raise DataError(f"There is no Parquet file at {path.name}; other files are read by pandas, as in pandas.read_csv(..., chunksize=10**5).")
    source = arrow.dataset(files, format="parquet")
    lost = [name for name in columns if name not in source.schema.names]
    if lost:
        raise DataError(f"There is no column {lost[0]!r} in the data; its columns are: {', '.join(source.schema.names[:20])}.")
    return iter(source.to_batches(columns=list(columns), batch_size=_ROWS))
