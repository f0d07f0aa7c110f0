"""``python -m mlmlib.published write|check NOTEBOOK ...``: the stored outputs of reference cells, from published values."""

import argparse
import sys
from pathlib import Path

from .cells import write


def main(arguments=None) -> int:
    parser = argparse.ArgumentParser(prog="python -m mlmlib.published", description=__doc__)
    parser.add_argument("verb", choices=["write", "check"])
    parser.add_argument("notebooks", nargs="+", type=Path)
    parser.add_argument("--values", type=Path, help="folder of the TOML files (default: the project's tests/reference)")
    options = parser.parse_args(arguments)
    changed = [line for path in options.notebooks for line in write(path, options.values, options.verb == "check")]
    for line in changed:
        print(("wrote " if options.verb == "write" else "differs: ") + line)
    return int(bool(changed) and options.verb == "check")


if __name__ == "__main__":
    sys.exit(main())
