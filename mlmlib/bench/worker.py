"""One program that stays up and fits what it is asked: run as a script, by the Python that has the program.

It needs nothing of mlmlib, unless mlmlib is the program. A line of JSON asks, a line of JSON answers:
``{"read": path}`` reads a table, ``{"fit": model}`` fits and answers with the seconds and the REML criterion. Reading the data
and importing the program are not in the seconds; the formula is. ``seconds`` are the processor's, of all threads together, so that
what else the machine does is not counted; ``wall`` are those of the clock.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any


def pandas_table(path):
    """Text as categories, which is what the programs take fastest."""
    import pandas as pd

    data = pd.read_csv(path)
    for name in data:
        if data[name].dtype.kind not in "iuf":
            data[name] = data[name].astype("category")
    return data


def polars_table(path):
    import polars

    return polars.read_csv(path)


class Mlmlib:
    read = staticmethod(pandas_table)

    def __init__(self):
        import mlmlib

        self.fit = lambda model, data: mlmlib.lmm(model["formula"], data)

        def general(model, data):
            fit = mlmlib.glmm(model["formula"], data, **model["arguments"])
            _ = fit.bse  # the others compute standard errors in the fit, we when they are asked for
            return fit

        self.general = general

    def criterion(self, fit):
        return fit.criterion, "" if fit.converged else "did not converge"


class Glmm:
    read = staticmethod(pandas_table)

    def __init__(self):
        import glmm

        # degrees of freedom are not asked for: no other program here computes them in the fit
        self.fit = lambda model, data: glmm.fit(data, model["formula"], satterthwaite=False)
        self.general = lambda model, data: glmm.fit(data, **model["programs"]["glmm"])

    def criterion(self, fit):
        return -2.0 * fit.loglik, "" if fit.converged else "did not converge"


class Mixedlm:
    read = staticmethod(pandas_table)

    def __init__(self):
        import mixedlm

        self.fit = lambda model, data: mixedlm.lmer(model["formula"], data)

        def general(model, data):
            how = dict(model["programs"]["mixedlm"])
            family = how.pop("family")
            if family == "negative":
                return mixedlm.glmer_nb(data=data, **how)
            return mixedlm.glmer(data=data, family=getattr(mixedlm.families, family)(), **how)

        self.general = general

    def criterion(self, fit):
        return -2.0 * float(fit.logLik().value), "" if getattr(fit, "converged", True) else "did not converge"


class LmePython:
    read = staticmethod(polars_table)

    def __init__(self):
        import lme_python

        self.fit = lambda model, data: lme_python.lmer(model["formula"], data)
        self.general = lambda model, data: lme_python.glmer(data=data, **model["programs"]["lme-python"])

    def criterion(self, fit):
        return -2.0 * fit.log_likelihood, "" if fit.converged else "did not converge"


class Statsmodels:
    read = staticmethod(pandas_table)

    def __init__(self):
        import numpy as np
        import statsmodels.formula.api as smf

        def fit(model, data):
            how = dict(model["statsmodels"])
            if "cannot" in how:
                raise ValueError(how["cannot"])
            groups = how.pop("groups", None)
            return smf.mixedlm(data=data, groups=np.zeros(len(data)) if groups is None else groups, **how).fit()

        self.fit = fit

    def criterion(self, fit):
        return -2.0 * fit.llf, "" if fit.converged else "did not converge"


class Linearmodels:
    """Tasks alone."""

    read = staticmethod(pandas_table)

    def __init__(self):
        import linearmodels  # noqa: F401


PROGRAMS: dict[str, Callable[[], Any]] = {"linearmodels": Linearmodels, "mlmlib": Mlmlib, "glmm": Glmm, "mixedlm": Mixedlm, "lme-python": LmePython, "statsmodels": Statsmodels}


def _of_mlmlib() -> dict:
    import copy
    from functools import cached_property

    import mlmlib
    import numpy
    from mlmlib.inference.kenward_roger import KenwardRoger
    from mlmlib.inference.satterthwaite import Satterthwaite

    def fresh(fit):
        """The fit without what it has kept of earlier questions."""
        again = copy.copy(fit)
        for own in type(fit).__mro__:
            for key, value in vars(own).items():
                if isinstance(value, cached_property):
                    again.__dict__.pop(key, None)
        return again

    return {"mlm": mlmlib, "np": numpy, "fresh": fresh, "KenwardRoger": KenwardRoger, "Satterthwaite": Satterthwaite}


def _of_statsmodels() -> dict:
    import numpy
    import statsmodels.api
    import statsmodels.formula.api
    return {"sm": statsmodels.api, "smf": statsmodels.formula.api, "np": numpy}


def _of_linearmodels() -> dict:
    import linearmodels
    import numpy
    return {"lm": linearmodels, "np": numpy}


MODULES = {"mlmlib": _of_mlmlib, "statsmodels": _of_statsmodels, "linearmodels": _of_linearmodels}  # what tasks may name


def limit_memory(gigabytes: float) -> None:
    """Let a fit that asks for too much fail by itself."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (int(gigabytes * 2 ** 30),) * 2)
    except (ImportError, ValueError, OSError):
        pass


def main(name: str) -> None:
    """Answer until the line closes."""
    warnings.simplefilter("ignore")
    answers, sys.stdout = sys.stdout, sys.stderr  # what a program prints is not an answer
    limit_memory(12)

    def answer(what):
        answers.write(json.dumps(what) + "\n")
        answers.flush()

    try:
        from importlib.metadata import version

        program, data = PROGRAMS[name](), None
        answer({"version": sys.modules["mlmlib"].__version__ if name == "mlmlib" else version(name)})
    except BaseException as error:
        answer({"error": f"{type(error).__name__}: {error}"})
        return
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            if "read" in asked:
                data = program.read(asked["read"])
                answer({})
                continue
            if "ready" in asked:
                names = dict(MODULES[name](), data=data)
                names["made"] = eval(asked["ready"], names)
                answer({})
                continue
            if "run" in asked:
                began, wall = time.process_time(), time.perf_counter()
                numbers = eval(asked["run"], names)
                seconds, wall = time.process_time() - began, time.perf_counter() - wall
                answer({"seconds": seconds, "wall": wall, "numbers": [float(one) for one in numbers]})
                continue
            model = asked["fit"]
            how = program.general if "programs" in model else program.fit
            if name not in (*model.get("programs", (name,)), "mlmlib"):
                raise ValueError("it has no such model")
            began, wall = time.process_time(), time.perf_counter()
            fit = how(model, data)
            seconds, wall = time.process_time() - began, time.perf_counter() - wall
            value, note = program.criterion(fit)
            answer({"seconds": seconds, "wall": wall, "criterion": float(value), "note": note})
        except BaseException as error:  # a panic of a Rust library is a BaseException
            answer({"error": f"{type(error).__name__}: {error}"})


if __name__ == "__main__":
    main(sys.argv[1])
