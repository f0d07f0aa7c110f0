"""Several outcomes of different families, joined by correlated random effects.

Each outcome has a formula, a family and a link of its own.  Random terms ``(... | g)`` of different outcomes over the
same grouping factor are joined: their effects have one covariance matrix.  Given the random effects outcomes are
independent, also those of the same row; what rows have in common beyond their groups needs a grouping factor of its
own, ``(1 | row)``.

The same models: Stata's ``gsem (y1 <- x M1[g], logit) (y2 <- x M2[g], poisson)``, SAS's GLIMMIX with
``dist=byobs(...)``.

Chapter 18 (``18_categories``) joins outcomes of different kinds.

References
----------
Gueorguieva, R. (2001). A multivariate generalized linear mixed model for joint modelling of clustered outcomes in the
exponential family. Statistical Modelling, 1, 177-193.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..errors import FormulaError
from ..formula import parse
from .families import family as find_family
from .fixed_only import FixedOnly
from .joint_density import JointDensity
from .joint_design import JointDesign, stack_designs
from .model import check

__all__ = ["JointModel", "joint"]

_OPTIONS = ("trials", "exposure", "offset", "weights")


def joint(formulas, data, *, family, link=None, method="laplace", nodes=None, covariance="unstructured", trials=None,
          exposure=None, offset=None, weights=None):
    """Fit several outcomes together: see `mlm.glmm`, which calls this for a list of formulas.

    Parameters
    ----------
    formulas : list of str
        One for each outcome.
    data : table
        A row a unit; where an outcome is missing, the unit's others are used.
    family, link : str, Family or Link, or list of them, or dict by outcome
    method : {"laplace", "agq"}
    trials, exposure, offset, weights
        As for `mlm.glmm`; for one outcome only as ``{"y1": "column"}``.  Trials given for all are those of the binomial
        outcomes, an exposure that of the counts.

    Returns
    -------
    JointResult
        Coefficients, random effects and parameters are named ``"outcome: ..."``.

    Raises
    ------
    FormulaError, DataError, ValueError

    Examples
    --------
    >>> import numpy as np, mlmlib as mlm
    >>> rng = np.random.default_rng(1)
    >>> g = np.repeat(np.arange(60), 8)
    >>> u = rng.standard_normal(60)[g]
    >>> data = {"g": g, "ill": rng.binomial(1, 1 / (1 + np.exp(-u))), "visits": rng.poisson(np.exp(0.5 + 0.7 * u))}
    >>> fit = mlm.glmm(["ill ~ 1 + (1 | g)", "visits ~ 1 + (1 | g)"], data, family=["binomial", "poisson"])
    >>> fit.params.index.tolist(), fit.covariance_matrix().shape
    (['ill: Intercept', 'visits: Intercept'], (2, 2))
    """
    from .joint_result import JointResult
    from .public import METHODS, _refuse_cbind, read
    if method not in METHODS[:2]:
        raise ValueError(f"method={method!r} is not there for several outcomes: use 'laplace' or 'agq'.")
    if nodes is not None and method != "agq":
        raise ValueError(f"nodes={nodes!r} belongs to method='agq', not to method={method!r}.")
    parsed = [parse(one) if isinstance(one, str) else one for one in formulas]
    for one in parsed:
        _refuse_cbind(one)
    names = _outcomes(parsed)
    families = [find_family(one) for one in _each(family, names, "family")]
    for name, one in zip(names, families, strict=True):
        if hasattr(one, "fitter"):
            raise FormulaError(f"The outcome {name!r} has family={one.name!r}, which has no place among several "
                               "outcomes.")
    links = _each(link, names, "link")
    options = {"trials": trials, "exposure": exposure, "offset": offset, "weights": weights}
    options = {name: _each(value, names, name) for name, value in options.items()}
    parts, densities, chosen = [], [], []
    for k, (one, own) in enumerate(zip(parsed, families, strict=True)):
        asked = {name: values[k] for name, values in options.items()}
        if not isinstance(trials, dict) and own.support != "unit":
            asked["trials"] = None
        if not isinstance(exposure, dict) and not (own.discrete and own.support == "positive"):
            asked["exposure"] = None
        design, _ = read(own, one, data, **asked)
        at_risk = design.extra["exposure"]
        if at_risk is not None:
            design = replace(design, offset=np.log(at_risk) + (0.0 if design.offset is None else design.offset))
        densities.append(own.density(design.y, links[k], trials=design.extra["trials"], weights=design.weights,
                                     column=f"The outcome {names[k]!r}"))
        parts.append(design)
        chosen.append(asked)
    density = JointDensity(densities, names)
    model = JointModel(stack_designs(parts, names), density, covariance=covariance,
                       nodes=None if method == "laplace" else 7 if nodes is None else nodes)
    model.asked = tuple(chosen)
    return JointResult(model, *model.fit())


def _outcomes(parsed) -> list[str]:
    """The outcomes' names, which must differ."""
    if len(parsed) < 2:
        raise FormulaError("A list of formulas is for several outcomes; give one formula as text.")
    lacking = next((one.text for one in parsed if one.response is None), None)
    if lacking is not None:
        raise FormulaError(f"The formula {lacking!r} has no outcome; write one, as in 'y ~ x + (1 | g)'.")
    names = [one.response.label for one in parsed]
    twice = next((name for k, name in enumerate(names) if name in names[:k]), None)
    if twice is not None:
        raise FormulaError(f"The outcome {twice!r} has two formulas; give each outcome one.")
    return names


def _each(value, names, what) -> list:
    """An option of each outcome: from a dict by outcome, a list as long as they are, or one value for all."""
    if isinstance(value, dict):
        unknown = [name for name in value if name not in names]
        if unknown:
            raise FormulaError(f"{what}= names the outcome {unknown[0]!r}; the formulas have {', '.join(names)}.")
        return [value.get(name, "binomial" if what == "family" else None) for name in names]
    if isinstance(value, (list, tuple)):
        if len(value) != len(names):
            raise ValueError(f"{what}= has {len(value)} entries for {len(names)} outcomes; give one for each.")
        return list(value)
    return [value] * len(names)


class JointModel(FixedOnly):
    """The model of several stacked outcomes.

    Parameters
    ----------
    design : JointDesign
    density : JointDensity

    Other parameters are those of `mlmlib.glmm.model.GlmmModel`.
    """

    density: JointDensity
    design: JointDesign
    asked: tuple = ()  # trials, exposure, offset and weights of each outcome, as given

    def __init__(self, design: JointDesign, density: JointDensity, *, covariance="unstructured", **options):
        self._given = density
        super().__init__(design, density.family, None, covariance, **options)

    def check(self, design):
        for part in design.parts:
            if part.random:
                check(part)
        super().check(design)

    def _density(self, family, link):
        return self._given

    def _rescaled(self, Zs):
        """Each outcome's columns in the unit of its own linear predictors; no column belongs to two outcomes."""
        parts, design = self.density.densities, self.design
        by_row = np.concatenate([np.full(part.n, part.unit) for part in parts])
        for part, columns in zip(parts, design.columns, strict=True):
            self.x_map[:, columns] /= part.unit
        self.X = self.X * by_row
        for back, source in zip(self.z_maps, design.sources, strict=True):
            for outcome, _, place in source:
                back[:, place] *= parts[outcome].unit
        return [Z * by_row for Z in Zs]
