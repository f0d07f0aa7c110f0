"""The summary of a generalized mixed model: outcome and link, approximation, coefficients or ratios, random part, dispersion, messages.

Chapter 16 (``16_binary``) reads one line by line.
"""

from __future__ import annotations

from ..page import Page, Table, p_value, rounded
from .facts import Facts
from .kinds import method, outcome_of, ratio_of, regression

__all__ = ["summary"]


def summary(fit, level: float = 0.95, scale: str = "variance", exponentiate: bool = False) -> Page:
    """The printed account of a fit of ``mlm.glmm``; see `mlmlib.report.summary.summary`."""
    from ..summary import _random

    facts = Facts(fit)
    ratio = ratio_of(fit)
    if exponentiate and ratio is None:
        raise ValueError(f"With a {facts.link} link exponentiated coefficients have no name; leave exponentiate= out.")
    tables = list(_fixed(fit, facts, level, ratio if exponentiate else None))
    thresholds = threshold_table(fit, level)
    if thresholds is not None:
        tables.append(Table("Thresholds", ("", "estimate", "SE", f"{level:.0%} low", "high"), tuple(
            (str(row.name), *rounded(row.estimate, row.se, row.lower, row.upper, guide=row.se)) for row in thresholds)))
    if fit.n_groups:
        tables.append(_random(fit, level, scale))
    if len(fit.dispersion):
        tables.append(_dispersion(fit, level))
    title = f"{'Mixed-effects ' if fit.n_groups else ''}{regression(facts)} regression"
    return Page(f"{title[0].upper()}{title[1:]} fitted by {method(facts)}", tuple(_lines(fit, facts)), tuple(tables),
                tuple(_notes(fit, facts, ratio if exponentiate else None)), tuple(fit.messages))


def threshold_table(fit, level: float = 0.95) -> list | None:
    """Rows of the thresholds of ordered categories; None for other outcomes."""
    if not hasattr(fit, "threshold_table"):
        return None
    return list(fit.threshold_table(level).rename_axis("name").reset_index().itertuples(index=False))


def _lines(fit, facts):
    yield "Formula", str(fit.formula)
    yield "Outcome", f"{outcome_of(facts)}; {facts.link} link"
    for name, text in (("exposure", "log({}) is added to the linear predictor"),
                       ("offset", "{} is added to the linear predictor"), ("weights", "rows count {} times")):
        option = facts.option(name)
        if option is not None:
            yield name.capitalize(), text.format(option if isinstance(option, str) else "the values given")
    rows = f"{int(fit.nobs):,}"
    if facts.family == "binomial":
        trials = fit.density.trials
        count = float(fit.design.y.sum())
        rows += f"; {count:,.0f} events" + (f" in {float(trials.sum()):,.0f} trials" if trials is not None
                                            and not facts.binary else "")
    yield "Rows", rows
    for factor, count in fit.n_groups.items():
        sizes = fit.group_sizes[factor]
        yield f"Groups ({factor})", f"{count:,}; rows in a group: {sizes.min():,} to {sizes.max():,}, mean {sizes.mean():.1f}"
    if facts.quasi:
        yield "Likelihood", "none: quasi-likelihood has no log-likelihood, AIC or BIC"
    else:
        yield "Likelihood", f"logLik {fit.llf:,.4f}; deviance {-2 * fit.llf:,.4f}; AIC {fit.aic:,.2f}; BIC {fit.bic:,.2f}"
    slopes = [name for name in fit.params.index if name.rpartition(": ")[2] != "Intercept"]
    if slopes:
        wald = fit.wald_test(slopes)
        p = p_value(wald.pvalue)
        yield "Wald test", (f"all slopes zero: chi2({wald.df:.0f}) = {wald.statistic:,.2f}, p "
                            f"{p.replace('<', '< ') if p.startswith('<') else f'= {p}'}")


def _fixed(fit, facts, level, ratio):
    """One table, and one of the zero part where it has predictors."""
    table = fit.coef_table(level)
    zero = [name for name in table.index if name.startswith("zero: ")]
    plain = [name for name in table.index if name not in zero]
    if ratio:
        ratios = fit.ratios(level, intercept=True).table
        kinds = ((f"Fixed effects as {ratio}s", plain, ""), ("Zero part as odds ratios of a zero", zero, "zero: "))
    else:
        kinds = (("Fixed effects", plain, ""), ("Zero part: log-odds of a zero" if facts.hurdle else
                                                "Zero part: log-odds of a certain zero", zero, "zero: "))
    for caption, names, prefix in kinds:
        if not names:
            continue
        rows = []
        for name in names:
            row = table.loc[name]
            numbers: tuple = (row["estimate"], row["se"], row["lower"], row["upper"])
            if ratio:
                numbers = tuple(float(ratios.at[name, key]) for key in ("ratio", "se", "lower", "upper"))
            shown = rounded(*numbers, guide=numbers[1])
            rows.append((name.removeprefix(prefix), *shown[:2], f"{row['z']:.2f}", p_value(row["p"]), *shown[2:]))
        head = ("", ratio.split(" of ")[0] if ratio else "estimate", "SE", "z", "p", f"{level:.0%} low", "high")
        yield Table(caption, head, tuple(rows))


def _dispersion(fit, level):
    rows = [(str(row.name), *rounded(row.estimate, row.se, row.lower, row.upper, guide=row.se))
            for row in fit.dispersion_table(level).itertuples(index=False)]
    return Table("Parameters of the distribution", ("", "estimate", "SE", f"{level:.0%} low", "high"), tuple(rows))


def _notes(fit, facts, ratio):
    if ratio:
        yield ("Exponentiated; of two rows of one group that differ by 1 in the column. Standard errors by the delta "
               "method, intervals exponentiated, z of the coefficient. The intercept is no ratio but the value where "
               "predictors are zero.")
    if hasattr(fit, "lr_vs_linear") and fit.n_groups and not facts.quasi:
        test = fit.lr_vs_linear()
        p = p_value(test.pvalue)
        yield (f"Against the model without random effects: {test.distribution} = {test.statistic:,.2f}, "
               f"p {p.replace('<', '< ') if p.startswith('<') else f'= {p}'}")
