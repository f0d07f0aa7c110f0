"""`mlm bench`: mlmlib beside other programs, in one run on one machine; the results go to `backmatter/bench.json`, from which
the page of the book is made."""

from __future__ import annotations

import datetime
import json
import os
import platform
from pathlib import Path

from mlmlib.cli import environment

RESULTS = "backmatter/bench.json"


def run(root: Path, args) -> int:
    """Print all parts; write them where they are asked for."""
    from mlmlib.bench.compare import compare
    from mlmlib.bench.general import general
    from mlmlib.bench.growth import growth
    from mlmlib.bench.inference import inference
    from mlmlib.bench.shares import shares

    def part(name, title, measure):
        if args.part in (None, name):
            print(f"\n{title}", flush=True)
            found[name] = measure()

    def task_part(name, title, which, table, packages, r_packages):
        from mlmlib.bench.tasks import tasks

        print(f"\n{title}", flush=True)
        about = {"date": datetime.datetime.now(datetime.UTC).date().isoformat(), "quick": args.quick}
        found[name] = about | tasks(root, which, table, packages, r_packages, args.quick, tell)
        for program, why in found[name]["missing"].items():
            print(f"{program} is not compared: {why}")

    found = {}
    if args.part in (None, "compare"):
        busy = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
        print("Every model by every program, in turn; medians, the formula's reading included", flush=True)
        found |= {"date": datetime.datetime.now(datetime.UTC).date().isoformat(), "quick": args.quick,
                  "machine": machine(busy)}
        found |= compare(root, args.quick, args.r_blas, tell)
        for name, why in found["missing"].items():
            print(f"{name} is not compared: {why}")
    if args.part in (None, "general"):
        print("\nGeneralized models by every program that has them", flush=True)
        busy = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
        today = datetime.datetime.now(datetime.UTC).date().isoformat()
        found["general"] = {"date": today, "quick": args.quick, "machine": machine(busy)} | general(root, args.quick, tell)
        for name, why in found["general"]["missing"].items():
            print(f"{name} is not compared: {why}")
    if args.part in (None, "panel"):
        from mlmlib.bench import panel_tasks
        task_part("panel", "Panel regressions, robust covariances, GEE", panel_tasks.PANEL, panel_tasks.table,
                  panel_tasks.PACKAGES, panel_tasks.R_PACKAGES)
    if args.part in (None, "inference", "tasks"):
        from mlmlib.bench import general_models, inference_tasks
        task_part("tasks", "Inference by every program that has it", inference_tasks.INFERENCE, general_models.table, (),
                  inference_tasks.R_PACKAGES)
    part("shares", "Where the time goes", lambda: shares(args.quick, tell))
    part("inference", "After the fit, on HSB", lambda: inference(args.quick, tell))
    part("growth", "How time and memory grow", lambda: growth(environment.variables(root), args.quick, tell))
    if args.write:
        path = root / RESULTS
        known = json.loads(path.read_text(encoding="utf-8")) if args.part and path.is_file() else {}
        path.write_text(json.dumps(known | found, indent=1) + "\n", encoding="utf-8")
        print(f"Written to {RESULTS}.")
    return 0


def tell(text: str) -> None:
    """Print at once: a run takes a while."""
    print(text, flush=True)


def machine(busy) -> dict:
    """What the times depend on."""
    import numpy as np
    import scipy

    model = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
        memory = int(Path("/proc/meminfo").read_text(encoding="utf-8").split()[1]) * 1024
    except (OSError, StopIteration):
        memory = None
    return {"processor": model, "cores": os.cpu_count(), "memory": memory, "system": platform.system(), "load": busy,
            "python": platform.python_version(), "numpy": np.__version__, "scipy": scipy.__version__}
