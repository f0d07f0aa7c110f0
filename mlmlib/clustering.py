"""How much groups matter: intraclass correlation, design effect, reliability.

Chapter 2 (`02_clustering`) derives the ICC and the design effect, chapter 3 (`03_random_intercepts`) the ICC of a
fitted model and the reliability.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .display import Shown, number
from .errors import DataError
from .icc_result import Icc, logit_interval
from .lmm.factors import chosen_factor, only_plain_residuals
from .lmm.nested import outer_of
from .results import refuse_marginal


def _of_outcome(fit, level, outcome, plain):
    """The ICC of one outcome of a model of several."""
    if outcome not in fit.outcomes:
        raise DataError("The model has several outcomes, each with an ICC of its own; fit.icc() gives them, or name "
                        f"one: outcome={' or '.join(map(repr, fit.outcomes))}.")
    if not plain:
        raise DataError("Of several outcomes the ICC has a Wald interval, and neither group= nor at=.")
    found, k = fit.icc(level).loc[outcome], fit.outcomes.index(outcome)
    alone = all(name == "Intercept" for name in fit.design.wide.exog_names)
    return Icc(found["icc"], fit._T[0][k, k], fit._residual_cov[k, k], "unconditional" if alone else "residual",
               next(iter(fit.n_groups)), found["se"], found["lower"], found["upper"], level,
               note=f"Of the outcome {outcome}.", share=found["icc"])


def icc(fit, level=0.95, *, group=None, at=None, method="wald", outcome=None, **options):
    """The intraclass correlation of a fitted mixed model, with a delta-method SE and an interval.

    Without predictors it is the share of all variance that lies between groups; with predictors the share of what
    they leave (the residual ICC). Where slopes vary, the variance between groups depends on x, and so does the ICC:
    it is computed at the values in `at`, which are zero for slopes not named, and the result says at which.

    Parameters
    ----------
    fit : LmmResult or GlmmResult
        For the latter there are further options: ``scale="latent"`` or ``"observation"``, and of outcomes without a latent
        variable ``approximation=`` and ``mean=``; see Notes.
    level : float
        Confidence level.
    group : str, optional
        The grouping factor, needed when there are several.  The ICC is the correlation of two rows of one group: where
        the factor is nested in others, rows of one group share those too, and their variances count, as in Stata's
        `estat icc`; the note then has the factor's own share of the variance.
    at : dict, optional
        Values of the predictors whose slopes vary.
    method : {"wald", "profile", "bootstrap"}
        The interval: symmetric on the logit scale, as Stata's `estat icc`; by the profile likelihood; or from replicates,
        with the options of ``fit.conf_int(method="bootstrap")``.
    outcome : str, optional
        Which outcome of a model of several (`mlm.multivariate`), whose ``fit.icc()`` has all.

    Returns
    -------
    Icc

    Notes
    -----
    Chapter 3 (`03_random_intercepts`); Chapter 8 (`08_inference`) compares the intervals.

    Of a GLMM (chapter 16, `16_binary`) the ICC is by default that of the linear predictor: a unit's variance is that of the
    latent distribution (pi^2 / 3 for logit, 1 for probit, pi^2 / 6 for cloglog), or, where there is none, the outcome's own
    variance taken to the link scale: ``approximation="lognormal"``, ``"delta"`` or ``"trigamma"`` at ``mean="null"`` (of the
    model without predictors, averaged over groups), ``"typical"`` (the same in a typical group), ``"data"`` or a number
    (Nakagawa, Johnson & Schielzeth, 2017). With ``scale="observation"`` it is the correlation of two outcomes of one group
    with the same predictors, by integration (Goldstein, Browne & Rasbash, 2002): averaged over the rows, or with the
    predictors in `at` set.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> rho = mlm.icc(mlm.lmm("math ~ 1 + (1 | schid)", mlm.load("math"), reml=False))
    >>> rho.kind, round(rho.estimate, 4), round(rho.se, 4), round(rho.lower, 4), round(rho.upper, 4)
    ('unconditional', 0.2342, 0.062, 0.1345, 0.3759)
    """
    refuse_marginal(fit, "icc")
    if hasattr(fit, "link"):
        from .glmm.icc import glmm_icc
        return glmm_icc(fit, level, group=group, at=at, method=method, **options)
    if hasattr(fit, "outcomes"):
        return _of_outcome(fit, level, outcome, plain=group in (None, *fit.n_groups) and not at and method == "wald")
    if outcome is not None:
        raise DataError("outcome= is for models of several outcomes; this one has one.")
    if getattr(getattr(fit, "model", None), "rows", None) is not None and fit.model.rows.variances:
        only_plain_residuals(fit, "icc")  # a residual variance for each row, so as many intraclass correlations
    group = chosen_factor(fit, group)
    terms = fit.spec.random
    slopes = dict.fromkeys(name for term in terms for name in term.names if name != "Intercept")
    strange = set(at or {}) - set(slopes)
    if strange:
        raise DataError(
            f"at= names {', '.join(map(repr, sorted(strange)))}, whose slope does not vary between groups. "
            + (f"Slopes that vary: {', '.join(slopes)}." if slopes else "The ICC of this model is the same everywhere.")
        )
    at = {name: float((at or {}).get(name, 0.0)) for name in slopes}
    names, cov = fit.variance_cov()
    within = fit.sigma**2
    variance, gradient = dict.fromkeys(fit.n_groups, 0.0), {g: np.zeros(len(names)) for g in fit.n_groups}
    for term, a, b, value, *_, slope in fit._variances.rows():
        z = [at.get(term.names[k], 1.0) for k in (a, b)]
        weight = z[0] * z[1] * (1 if a == b else 2)
        variance[term.group] += weight * value
        for place, derivative in slope.items():
            gradient[term.group][place] += weight * derivative
    noise = np.zeros(len(names))
    noise[-1] = 2 * within
    shared = (*outer_of(fit.design, group), group)
    between, total = sum(variance[g] for g in shared), sum(variance.values()) + within
    rho = between / total
    whole = sum(gradient.values()) + noise
    direction = (sum(gradient[g] for g in shared) - rho * whole) / total
    used = direction != 0
    se = float(np.sqrt(direction[used] @ cov[np.ix_(used, used)] @ direction[used]))
    note = ("The model correlates residuals: this is the correlation of rows of a group whose residuals are "
            "uncorrelated."
            if getattr(fit.model, "correlation", None) is not None else "")
    if fit.is_singular or se != se:
        se, note = float("nan"), "No standard error: the fit is singular, on the boundary of what can be estimated."
    lower, upper = logit_interval(rho, se, level)
    if method != "wald":
        lower, upper, told = _other_interval(fit, level, group, at, method, options)
        note = " ".join(filter(None, (note, told)))
    elif len(shared) > 1:
        note = " ".join(filter(None, (note, f"Rows of one {group} share {' and '.join(shared[:-1])} too; the share of "
                                            f"variance of {group} alone is {variance[group] / total:.4g}.")))
    if any(term.members is not None and term.group == group for term in fit.design.random):
        note = " ".join(filter(None, (note, "It is that of two rows which belong to one group alone; rows with several "
                                            "memberships share less.")))
    if method == "wald" and options:
        raise TypeError(f"icc(method='wald') has no option {next(iter(options))!r}.")
    only_means = fit.spec.exog_names in ((), ("Intercept",)) and not slopes
    kind = "unconditional" if only_means else "residual"
    return Icc(float(rho), float(between), float(total - between), kind, group, se, lower, upper, level, at, note,
               float(variance[group] / total))


def _other_interval(fit, level, group, at, method, options):
    """The ends by profile or bootstrap, and what should be known of them."""
    if method not in ("profile", "bootstrap"):
        raise ValueError(f"icc(method={method!r}) is not known; choose 'wald', 'profile' or 'bootstrap'.")
    from .inference.parameters import icc_name
    elsewhere = any(at.values()) or len(fit.n_groups) > 1
    if elsewhere and method == "profile":
        raise ValueError("The ICC is profiled where the slopes' variables are zero; elsewhere use method='bootstrap'.")
    of = (lambda one: icc(one, group=group, at=at).estimate) if elsewhere else icc_name(fit._names)
    table = fit.conf_int(level, method, of={"ICC": of}, **options)
    return float(table["lower"].iloc[0]), float(table["upper"].iloc[0]), table.attrs.get("note", "")


def icc_from_variances(between, within):
    """The ICC from two variances: between / (between + within).

    Examples
    --------
    >>> from mlmlib.clustering import icc_from_variances
    >>> float(icc_from_variances(25, 75))
    0.25
    """
    if not (between >= 0 and within >= 0 and between + within > 0):
        raise DataError(f"Variances cannot be negative, nor both zero: between = {between}, within = {within}.")
    return Icc(float(between / (between + within)), float(between), float(within), "from variances")


def icc_anova(y, groups, level=0.95):
    """The ICC by one-way analysis of variance, as it was done before mixed models.

    It can come out negative, when groups differ less than chance would make them. The interval inverts the F test; it
    is exact for groups of equal size. Chapter 2 (`02_clustering`).

    Examples
    --------
    >>> import mlmlib as mlm
    >>> math = mlm.load("math")
    >>> round(mlm.clustering.icc_anova(math["math"], math["schid"]).estimate, 4)
    0.3025
    """
    from scipy.stats import f as f_distribution

    y = np.asarray(y, float)
    labels, codes = np.unique(np.asarray(groups), return_inverse=True)
    J, N = len(labels), len(y)
    if J < 2 or N <= J:
        raise DataError(f"{N} rows in {J} groups: an ICC needs two or more groups, and a group with two or more rows.")
    if not np.isfinite(y).all():
        raise DataError("y has missing or infinite values; drop those rows first.")
    n = np.bincount(codes)
    means = np.bincount(codes, y) / n
    msb = (n * (means - y.mean()) ** 2).sum() / (J - 1)
    msw = ((y - means[codes]) ** 2).sum() / (N - J)
    size = (N - (n**2).sum() / N) / (J - 1)
    rho = (msb - msw) / (msb + (size - 1) * msw)
    se = np.sqrt(2 * (1 - rho) ** 2 * (1 + (size - 1) * rho) ** 2 / (size * (size - 1) * (J - 1)))
    tails = f_distribution.ppf([0.5 + level / 2, 0.5 - level / 2], J - 1, N - J)
    lower, upper = ((msb / msw / q - 1) / (msb / msw / q + size - 1) for q in tails)
    between = (msb - msw) / size
    note = "" if n.min() == n.max() else "Groups differ in size: the interval is approximate."
    return Icc(float(rho), float(between), float(msw), "analysis of variance", "", float(se), float(lower), float(upper), level, note=note)


@dataclass(frozen=True, repr=False)
class DesignEffect(Shown):
    """What clustering costs: `deff` on variances, `deft` = its root on standard errors, and the effective sample size.

    `n` rows are worth `n_eff` independent ones; `size` is the cluster size that the formula used.
    """

    deff: float
    icc: float
    size: float
    n: float

    @property
    def deft(self):
        return float(np.sqrt(self.deff))

    @property
    def n_eff(self):
        return self.n / self.deff

    def __float__(self):
        return self.deff

    def _title(self):
        return f"Design effect of clusters of {number(self.size)}, ICC {number(self.icc)}"

    def _rows(self):
        return ["", ""], [
            ["design effect (variances)", number(self.deff)],
            ["its root (standard errors)", number(self.deft)],
            ["rows", number(self.n)],
            ["effective rows", number(self.n_eff)],
        ]


def design_effect(icc, n=None, *, groups=None):
    """The design effect 1 + (n - 1) ICC of a mean, and the effective sample size.

    Parameters
    ----------
    icc : float, Icc or LmmResult
        With a fit, its ICC (where slopes vary: at zero; of a GLMM that of the outcome) and its group sizes are taken.
    n : number or sequence of numbers
        Cluster size; or the sizes of all clusters, when they differ. Then the size that counts is sum(n^2) / sum(n),
        which is larger than the mean (Kish 1965): large clusters hold more of the rows.
    groups : int, optional
        Number of clusters of size n. Left out, the sample is one cluster.

    Returns
    -------
    DesignEffect

    Notes
    -----
    Exact for the mean, and for a predictor that does not vary within clusters; a predictor that varies only within
    clusters has no such loss. Chapter 2 (`02_clustering`).

    Examples
    --------
    >>> import mlmlib as mlm
    >>> d = mlm.design_effect(0.10, 25)
    >>> round(d.deff, 2), round(d.deft, 2), round(d.n_eff, 2)
    (3.4, 1.84, 7.35)
    """
    if hasattr(icc, "n_groups"):
        fit = icc
        icc = globals()["icc"](fit, **({"scale": "observation"} if hasattr(fit, "density") else {}))
        n = fit.group_sizes[icc.group] if n is None else n
    rho = float(icc)
    if not -1 <= rho <= 1:
        raise DataError(f"The ICC is a correlation; it cannot be {rho:g}. A percentage must be divided by 100.")
    if n is None:
        raise DataError("Say how large the clusters are: n=20, or n=[12, 30, 25] for all of them.")
    sizes = np.atleast_1d(np.asarray(n, float))
    if not (sizes >= 1).all():
        raise DataError("A cluster has at least one row: every size in n must be 1 or more.")
    if groups is not None and len(sizes) > 1:
        raise DataError("Give either the sizes of all clusters, or one size and the number of groups.")
    size = float((sizes**2).sum() / sizes.sum())
    return DesignEffect(1 + (size - 1) * rho, rho, size, float(sizes.sum() * (groups or 1)))


@dataclass(frozen=True, repr=False)
class Reliability(Shown):
    """lambda_j: how much of what a group's own data say about its coefficient is true difference, not noise.

    `table` has a row for each group (n and lambda of every random coefficient), `mean` the averages.
    """

    group: str
    labels: tuple
    sizes: tuple
    values: dict

    @property
    def table(self):
        from . import frames as pd

        return pd.DataFrame({"n": self.sizes, **self.values}, index=pd.Index(self.labels, name=self.group))

    @property
    def mean(self):
        return self.table[list(self.values)].mean()

    def _title(self):
        return f"Reliability of the coefficients of {len(self.labels)} groups ({self.group})"

    def _rows(self):
        table = self.table[list(self.values)]
        rows = [[name, *map(number, (x.mean(), x.min(), x.max())), str(x.count())] for name, x in table.items()]
        return ["coefficient", "mean", "smallest", "largest", "groups"], rows

    def _note(self):
        left_out = max(self.table[name].isna().sum() for name in self.values)
        return f"{left_out} groups cannot estimate their own coefficients and are left out." if left_out else ""


def reliability(fit, group=None):
    """The reliability lambda_j of each group's coefficients.

    With random intercepts alone, lambda_j = tau_00 / (tau_00 + sigma^2 / n_j): the share of the way from the average to
    the group's own mean that the model goes. With random slopes, tau_qq / (tau_qq + v_qj), where v_qj is the sampling
    variance of coefficient q in a regression in group j alone (Raudenbush & Bryk 2002, chapter 3); a group whose x does
    not vary has none. Of a GLMM, where groups of zeros alone have no regression of their own, it is one less the variance
    that the data leave an effect over tau_qq (chapter 16, `16_binary`).

    Returns
    -------
    Reliability

    Notes
    -----
    Chapter 3 (`03_random_intercepts`).

    Examples
    --------
    >>> import mlmlib as mlm
    >>> r = mlm.reliability(mlm.lmm("math ~ 1 + (1 | schid)", mlm.load("math"), reml=False))
    >>> print(f"{r.table.loc[6327, 'Intercept']:.3f} {r.mean['Intercept']:.3f}")
    0.710 0.851
    """
    refuse_marginal(fit, "reliability")
    only_plain_residuals(fit, "reliability")
    group = chosen_factor(fit, group or next(iter(getattr(fit, "n_groups", {})), None))
    if hasattr(fit, "density"):
        return _of_posterior(fit, group)
    term, *more = [term for term in fit.spec.random if term.group == group]
    codes, J = term.codes, len(term.levels)
    Z = np.hstack([t.Z for t in (term, *more)])
    names = [name for t in (term, *more) for name in t.names]
    weights = np.ones(len(codes)) if fit.spec.weights is None else fit.spec.weights
    cross = np.zeros((J, len(names), len(names)))
    np.add.at(cross, codes, weights[:, None, None] * Z[:, :, None] * Z[:, None, :])
    scale = np.sqrt(np.einsum("jaa->ja", cross))
    scale[scale == 0] = 1.0
    scaled = cross / (scale[:, :, None] * scale[:, None, :])
    full = np.linalg.eigvalsh(scaled)[:, 0] > 1e-10
    noise = np.full((J, len(names)), np.nan)
    noise[full] = fit.sigma**2 * np.einsum("jaa->ja", np.linalg.inv(scaled[full])) / scale[full] ** 2
    tau = np.diagonal(fit.covariance_matrix(group).to_numpy())
    values = {name: tuple((tau[k] / (tau[k] + noise[:, k])).tolist()) for k, name in enumerate(names)}
    return Reliability(group, tuple(term.levels.tolist()), tuple(np.bincount(codes, minlength=J).tolist()), values)


def _of_posterior(fit, group) -> Reliability:
    """One less the share of each effect's variance that the data leave open."""
    cov = fit._by_group[group][1]
    tau, left = np.diagonal(fit._T_of(group)), np.einsum("jaa->ja", cov)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.where(tau > 0, 1.0 - left / tau, np.nan)
    table = fit.random_effects[group]
    sizes = fit.group_sizes[group]
    return Reliability(group, tuple(table.index.tolist()), tuple(sizes.tolist()),
                       {name: tuple(found[:, k].tolist()) for k, name in enumerate(table.columns)})
