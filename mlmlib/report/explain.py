"""A fit read aloud, in the book's order: what was asked, the fixed part in units, the variance part as sizes one can feel, what the
model does not know, what would change our mind, and what its messages mean.

Chapters 3 to 5 (``03_random_intercepts``, ``04_random_slopes``, ``05_level2_predictors``) read their models in this order by hand.
"""

from __future__ import annotations

import numpy as np

from ..inference.small_sample import linear
from ..results import refuse_marginal
from .explain_random import changing, diagnoses, variance_part
from .ledger import Ledger, Prose, joined
from .meaning import meaning, simple_slope
from .own import own
from .words import Words
from . import prose_outcomes as outcomes
from .prose_rows import aloud, has_structure, residual_sd

__all__ = ["explain"]

FEW = 30     # groups below which Wald tests of a mixed model are known to be too sure of themselves


def explain(fit, *, level: float = 0.95, labels=None, units=None, ddf: str = "wald") -> Prose:
    """Read a fit aloud.

    Parameters
    ----------
    fit : LmmResult, GlmmResult or OlsResult
    level : float
        Of the intervals.
    labels, units : dict, optional
        {column: what it is called}, {column: unit}; "row" names the rows, a grouping factor its groups. The data sheet serves where
        the data come from `mlm.load`.

    ddf : {"wald", "satterthwaite", "kenward-roger"}
        Degrees of freedom of the fixed part's intervals, as in ``fit.coef_table``.

    Returns
    -------
    Prose
        Sections in a fixed order; prints as text, as HTML in a notebook, and `.numbers` says what each number is.

    Notes
    -----
    Chapters 3 to 5 (``03_random_intercepts`` to ``05_level2_predictors``). Two groups drawn at random from a normal distribution with
    standard deviation tau lie 2 tau / sqrt(pi) apart on average.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> told = explain(mlm.lmm("math ~ 1 + (1 | schid)", mlm.load("math"), reml=False))
    >>> [heading for heading, _ in told.sections]
    ['Asked', 'Fixed part', 'Variance part', 'What the model does not know', 'What would change our mind', 'Messages']
    """
    if (write := own(fit, "explain")) is not None:
        return write(fit, level=level, labels=labels, units=units, ddf=ddf)
    refuse_marginal(fit, "explain")
    if hasattr(fit, "family"):
        from .general.explain import explain as general

        return general(fit, level, labels, units)
    words, say = Words(fit, labels, units), Ledger(level, ddf)
    mixed = bool(getattr(fit, "n_groups", None))
    if hasattr(fit, "outcomes"):
        return _several(fit, words, say, mixed)
    sections = [("Asked", [_asked(fit, words, say, mixed)])]
    if getattr(fit, "converged", True):
        sections.append(("Fixed part", list(_fixed(fit, words, say, mixed))))
        sections.append(("Variance part",
                         list(variance_part(fit, words, say) if mixed else _residual(fit, words, say))))
        sections.append(("What the model does not know", list(_unknown(fit, words, say, mixed))))
        sections.append(("What would change our mind", list(_mind(fit, words, say, mixed))))
    trouble = [say.quote(message) for message in fit.messages] + (list(diagnoses(fit, words, say)) if mixed else [])
    calm = "None: the search converged, and no variance lies on the boundary." if mixed else "None."
    sections.append(("Messages", trouble or [calm]))
    return Prose(f"{fit.formula}, read aloud", tuple(sections), (), tuple(say.entries))


def _several(fit, words, say, mixed):
    """A fit of several outcomes."""
    sections = [("Asked", [outcomes.asked(fit, words, say)])]
    if fit.converged:
        sections += [("Fixed part", list(_fixed(fit, words, say, mixed))),
                     ("Variance part", list(outcomes.variances(fit, words, say))),
                     ("What the model does not know", list(outcomes.unknown(fit, words))),
                     ("What would change our mind", list(outcomes.mind(fit, words, say)))]
    sections.append(("Messages", [say.quote(message) for message in fit.messages] or ["None: the search converged."]))
    return Prose(f"{fit.formula}, read aloud", tuple(sections), (), tuple(say.entries))


def _asked(fit, words, say, mixed):
    columns = list(dict.fromkeys(words.named(p.column) for name in fit._names for p in words.pieces(name)))
    rows = f"{say.count('rows', fit.nobs)} {words.rows}"
    unit = f" (in {words.outcome_unit})" if words.outcome_unit else ""
    if not mixed:
        taken = "whose residuals have a structure" if has_structure(fit) else "taken as independent of one another"
        return (f"How does {words.outcome}{unit} go with {joined(columns)}, among {rows} {taken}?" if columns
                else f"What is the mean of {words.outcome}{unit} over {rows}?")
    groups = joined(f"{say.count('groups', n)} {words.groups(g)}" for g, n in fit.n_groups.items())
    inside = words.inside(next(iter(fit.n_groups)))
    if not columns:
        one = joined(words.groups(g) for g in fit.n_groups)
        return f"What is the mean of {words.outcome}{unit}, and how do {rows} {inside} {groups} vary about it, between {one} and within?"
    own = []
    for g in fit.n_groups:
        effects = dict.fromkeys(n for term in fit.design.random if term.group == g for n in term.names)
        own.append(f"{words.group(g)} has its own "
                   + joined("level" if n == "Intercept" else f"slope of {words.short(n)}"
                                                             for n in effects))
    return (f"How does {words.outcome}{unit} go with {joined(columns)}, among {rows} {inside} {groups}, "
            f"when each {joined(own, 'and each') if len(own) < 3 else ', each '.join(own)}?")


def _fixed(fit, words, say, mixed):
    table = fit.coef_table(say.level, say.ddf)
    for name in fit._names:
        row, read = table.loc[name], meaning(words, name)
        places = say.places(row["se"])
        text = f"{words.short(name)}: {_aloud(fit, words.of(name), say, read, row, places, mixed)}"
        wide = say.put("confidence level", say.level, f"{100 * say.level:g}")
        text += (f" The {wide}% interval runs from {say.plain(f'{name}: lower', row['lower'], places)} to "
                 f"{say.plain(f'{name}: upper', row['upper'], places)}")
        if read.kind != "intercept" and row["lower"] <= 0 <= row["upper"]:
            text += ", on both sides of zero: these data do not tell the sign"
        yield text + "."
    if mixed and say.ddf != "wald":
        yield _degrees(fit, say)


def _degrees(fit, say):
    """How the intervals allow for variances that are themselves estimates."""
    df = linear(fit, np.eye(len(fit._names)), say.ddf)[2]
    low, high = (say.put(f"{end} df", float(value), f"{value:.0f}")
                 for end, value in (("smallest", df.min()), ("largest", df.max())))
    text = ("These intervals allow for variances that are themselves estimates: t in place of the normal distribution, "
            f"with {low if low == high else f'{low} to {high}'} degrees of freedom ")
    if say.ddf == "satterthwaite":
        return f"{text}after Satterthwaite."
    again = "" if fit.reml else ", from the same model fitted by REML"
    return f"{text}after Kenward and Roger, and their adjusted standard errors{again}."


def _at(say, conditions, before=", for "):
    for condition in conditions:
        if condition.endswith("= 0"):
            say.put("condition", 0, "0")
    return f"{before}{joined(conditions)}" if conditions else ""


def _aloud(fit, words, say, read, row, places, mixed):
    estimate, focal = row["estimate"], read.focal

    def value(size=False):
        number = abs(estimate) if size else estimate
        return words.amount(say.plain(f"{read.name}: {'size' if size else 'estimate'}", number, places))

    more = "more" if estimate > 0 else "less"
    if read.kind == "intercept":
        if not read.conditions:
            if not mixed:
                return f"the mean over all {words.rows} is {value()}."
            if len(fit.n_groups) > 1:
                return f"the expected {words.outcome} of {_average(fit, words)} is {value()}."
            return f"the mean of the {words.groups(next(iter(fit.n_groups)))}' true means is {value()}."
        factor = next(iter(fit.n_groups)) if mixed else None
        average = f" {words.inside(factor)} {_average(fit, words)}" if mixed else ""
        return (f"the expected {words.outcome} of a {words.row}{average}{_at(say, read.conditions, ' with ')} is "
                f"{value()}.{_far(fit, words, say, read)}")
    if read.kind == "slope":
        one = say.put("unit", 1, "1")
        differ = f"differ by {one} in {words.described(focal.column)}"
        if focal.group:
            pair = (f"of two {words.groups(focal.group)} that {differ}, the higher one has {value(size=True)} {more}, "
                    f"in expected {words.outcome}")
        else:
            single = mixed and len(fit.n_groups) == 1 and fit.design.random[0].members is None
            kind = words.centering(focal) if single else ""
            same = f" of the same {words.group(next(iter(fit.n_groups)))}" if kind in ("within", "balanced", "adjusted") else ""
            pair = f"of two {words.rows}{same} that {differ}, the higher one has {value(size=True)} {more} on average"
        return f"{pair}{_at(say, read.conditions)}.{_feel(fit, words, say, read, estimate, places)}"
    if read.kind == "category":
        inside = f"{words.groups(focal.group)} with " if focal.group else f"{words.rows} with "
        return (f"{inside}{focal.column} = {focal.category} have {value(size=True)} {more} than those with "
                f"{focal.column} = {focal.reference}, in "
                f"expected {words.outcome}{_at(say, read.conditions)}.")
    if read.kind == "product":
        return _product(words, say, read, estimate, places)
    return (f"the coefficient is {say.plain(f'{read.name}: estimate', estimate, places)} and has no meaning by itself: "
            "draw the predictions (fit.margins) to read it with the others.")


def _average(fit, words):
    return joined(f"an average {words.group(factor)}" for factor in fit.n_groups)


def _product(words, say, read, estimate, places):
    focal, other = read.focal, read.moderator
    what = f"the slope of {focal.column}" if focal.category is None else f"the difference of {focal.category} from {focal.reference}"
    shift = f"{say.plain(f'{read.name}: size', abs(estimate), places)} {'higher' if estimate > 0 else 'lower'}"
    if other.category is None:
        return f"for each {say.put('unit', 1, '1')} more of {other.column}, {what} is {shift}{_at(say, read.conditions)}."
    text = f"{what} is {shift} with {other.column} = {other.category} than with {other.reference}"
    slope = simple_slope(words, read, say.level, say.ddf)
    if slope:
        text += f"; there it is {say.plain(f'{read.name}: simple slope', slope[0], say.places(slope[1]))}{_at(say, slope[4])}"
    return text + "."


def _values(fit, name):
    names = list(fit._names)
    return fit.design.X[:, names.index(name)] if name in names else None


def _far(fit, words, say, read):
    """Zeros of predictors that the data do not hold."""
    out = []
    for condition in read.conditions:
        column = condition.split(" = ")[0]
        x = _values(fit, column)
        if condition.endswith("= 0") and x is not None and not x.min() <= 0 <= x.max():
            low, high = (say.put(f"{column}: {end}", float(v), f"{v:.4g}")
                         for end, v in (("smallest", x.min()), ("largest", x.max())))
            zero = say.put("condition", 0, "0")
            out.append(f" No {words.row} has {column} = {zero} (it runs from {low} to {high}): this extends the line "
                       f"beyond the data, and centering {column} would give the intercept a meaning.")
    return "".join(out)


def _feel(fit, words, say, read, estimate, places):
    """The same difference for a typical difference in x, one standard deviation."""
    if hasattr(fit, "outcomes"):  # whose columns are zero in rows of the others
        return ""
    x = _values(fit, read.name)
    if read.focal.group and getattr(fit, "n_groups", None):
        codes = next(t.codes for t in fit.design.random if t.group == read.focal.group)
        x = np.unique(np.column_stack([codes, x]), axis=0)[:, 1]
    sd = float(np.std(x, ddof=1))
    if abs(sd - 1) < 0.05 or not sd > 0:
        return ""
    return (f" A standard deviation of {read.focal.column} is "
            f"{say.plain(f'{read.name}: SD of x', sd, say.places(sd / 10))}, which goes with "
            f"{words.amount(say.plain(f'{read.name}: estimate times SD', abs(estimate) * sd, places))}.")


def _residual(fit, words, say):
    if has_structure(fit):
        sd = words.amount(say.plain("residual SD", fit.sigma, say.places(fit.sigma / 100)))
        yield f"The residual SD is {sd}{say.quote(residual_sd(fit), 'condition')}."
        yield from aloud(fit, words, say)
        return
    sd = say.plain("residual SD", fit.sigma)
    apart = say.plain("residual: typical distance", 2 * fit.sigma / np.sqrt(np.pi))
    yield (f"{words.rows[0].upper()}{words.rows[1:]} with the same predictors scatter about the line with an SD of "
           f"{words.amount(sd)}: two of them typically lie {apart} apart.")
    if len(fit._names) > 1:
        yield (f"The predictors go with {say.percent('R2', fit.rsquared)} of the variance (R\u00b2 = "
               f"{say.share('R2', fit.rsquared)}).")


def _unknown(fit, words, say, mixed):
    columns = [p for name in fit._names for p in words.pieces(name)]
    if mixed:
        group = joined(words.groups(g) for g in fit.n_groups)
        yield f"Why {group} differ: all that sets them apart and is not in the model is in their deviations, under no name."
    elif has_structure(fit):
        yield ("Why residuals are alike or of unequal size: the structure describes that they are. A mean that bends "
               "where the model has it straight looks like memory.")
    else:
        yield f"Whether {words.rows} belong together: if some share a school, a person or a place, the standard errors are too small."
    if columns:
        compared = joined([words.rows, *(words.groups(g) for g in fit.n_groups)]) if mixed else words.rows
        yield (f"What would happen if a predictor were changed. The coefficients compare {compared} "
               f"as they were found; only where a predictor was assigned at random do they say more.")
    if mixed and len(fit.n_groups) == 1 and fit.design.random[0].members is None:
        mixed_up = list(dict.fromkeys(p.column for p in columns if p.plain and p.group is None
                                      and words.centering(p) == "mixed"))
        if mixed_up:
            yield (f"How much of the slope of {joined(mixed_up)} lies within {group} and how much between them: it "
                   "mixes the two. mlm.within_between splits them.")
    if mixed and say.ddf == "wald" and min(fit.n_groups.values()) < FEW:
        few, count = min(fit.n_groups.items(), key=lambda item: item[1])
        yield (f"How uncertain its own variances are: with {say.count('groups', count)} {words.groups(few)} the Wald "
               f"intervals of the fixed part are {'a little' if count >= 10 else 'much'} too narrow, most of all for "
               f"predictors of {words.groups(few)}.")


def _mind(fit, words, say, mixed):
    table = fit.coef_table(say.level, say.ddf)
    doubtful = [words.short(n) for n, row in table.iterrows() if words._of_outcome(n)[1] != "Intercept"
                and row["lower"] <= 0 <= row["upper"]]
    if doubtful:
        yield f"More data on {joined(doubtful)}: a coefficient whose interval holds zero may well be on its other side."
    if mixed:
        yield from changing(fit, words, say)
    elif has_structure(fit):
        yield "Another structure of the residuals that fits as well with other standard errors (mlm.compare, AIC)."
    elif not doubtful:
        yield f"A plot of the residuals that shows a bend, or {words.rows} that come in groups."
