"""A stand-in for a program that is timed: it speaks the protocols of `mlmlib/bench/programs.py` and does what the formula says.

``python fake_program.py json|tabs``; formulas: ``error``, ``die``, ``burn`` (the processor), ``sleep``; others are "fitted": the
criterion is the number of lines of the table that was read.
"""

import json
import os
import sys
import time

SPEAKS = sys.argv[1]


def done(formula: str, lines: int):
    """What a fit answers with, or what it does instead."""
    if formula == "error":
        raise ValueError("it cannot\nbe said")
    if formula == "die":
        os._exit(3)
    if formula == "burn":
        while True:
            pass
    if formula == "sleep":
        time.sleep(1.3)
    return {"seconds": 0.25, "wall": 0.5, "criterion": float(lines)}


def tell(kind: str, found: dict) -> None:
    if SPEAKS == "json":
        line = json.dumps(found)
    elif "error" in found:
        line = f"error\t{found['error'].splitlines()[0]}"
    elif kind == "run":
        line = f"run\t{found['seconds']}\t{found['wall']}\t{','.join(found['numbers'])}"
    else:
        line = "\t".join([kind, *map(str, found.values())])
    print(line, flush=True)


def main() -> None:
    tell("version", {"version": "1.2"} if SPEAKS == "json" else {"version": "1.2", "r": "4.2", "blas": "libblas"})
    lines = 0
    for asked in sys.stdin:
        if SPEAKS == "json":
            (kind, value), = json.loads(asked).items()
            formula = value["formula"] if kind == "fit" else ""
        else:
            kind, value = asked.rstrip("\n").split("\t")
            formula = value
        try:
            if kind == "read":
                with open(value, encoding="utf-8") as file:
                    lines = len(file.readlines())
                tell("read", {})
            elif kind == "ready":
                tell("ready", {})
            elif kind == "run":
                tell("run", {"seconds": 0.25, "wall": 0.5, "numbers": [1.5, 2.5] if SPEAKS == "json" else ["1.5", "NA"]})
            else:
                tell("fit", done(formula, lines) | ({"note": "told"} if SPEAKS == "json" else {}))
        except ValueError as error:
            tell("error", {"error": f"ValueError: {error}"})


main()
