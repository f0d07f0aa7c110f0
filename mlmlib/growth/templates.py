"""Templates that write the formula of a growth model, and say what its coefficients mean."""

from __future__ import annotations

import re

from ..errors import FormulaError

__all__ = ["GrowthFormula", "formula", "taxonomy"]

_SHAPES = ("flat", "linear", "quadratic", "cubic", "piecewise", "spline", "discontinuous")


class GrowthFormula(str):
    """A formula, ready for `mlm.lmm`, with an `explanation`: one line a coefficient."""

    explanation: str

    def __new__(cls, text: str, explanation: str = ""):
        made = super().__new__(cls, text)
        object.__setattr__(made, "explanation", explanation)
        return made

    def __setattr__(self, name, value):
        raise AttributeError("A formula does not change; write another.")

    def __reduce__(self):
        return GrowthFormula, (str(self), self.explanation)


def formula(
    outcome,
    time,
    unit,
    shape="linear",
    *,
    invariant=(),
    status=(),
    varying=(),
    random=None,
    knots=None,
    df=3,
    event="event",
):
    """Write the formula of a growth model.

    Parameters
    ----------
    outcome, time, unit : str
        Columns of the outcome, of time, and of the persons.
    shape : {"linear", "flat", "quadratic", "cubic", "piecewise", "spline", "discontinuous"}
        How the mean and each person's curve go with time. "flat" is the unconditional means model. "piecewise" needs
        `knots`. "spline" is natural cubic with `df` columns. "discontinuous" has the columns ``{event}_jump`` and
        ``{event}_since`` of `event`.
    invariant : str or sequence of str
        Predictors of persons, on initial status and on every growth term (multiplied by time).
    status : str or sequence of str
        Predictors of persons on initial status only.
    varying : str or sequence of str
        Predictors that change over time, with one effect for all persons.
    random : None, "intercept", "independent", or sequence of str
        What differs between persons: everything that the shape has (None), the level only, everything without
        covariances, or the terms named.
    knots : sequence of numbers, optional
    df : int
    event : str
        Beginning of the names of the event's columns.

    Returns
    -------
    GrowthFormula
        A str; its ``explanation`` says what each part means.

    Raises
    ------
    FormulaError
        For an unknown shape, a piecewise shape without knots, a predictor named twice.

    Notes
    -----
    Chapters 13 (`13_growth`) and 14 (`14_growth_shapes`); the models are those of Singer and Willett (2003), chapters
    4 to 6.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> mlm.growth.formula("math", "year", "childid", invariant="female")
    'math ~ year * female + (1 + year | childid)'
    >>> text = mlm.growth.formula("lnw", "exper", "id", "piecewise", knots=[2], random="intercept")
    >>> text
    'lnw ~ piecewise(exper, knots=[2]) + (1 | id)'
    >>> print(text.explanation.splitlines()[1])
    piecewise(exper, knots=[2]): the slope of each phase of exper, to 2, and from 2 on
    """
    invariant, status, varying = map(_names, (invariant, status, varying))
    columns = [_quoted(name) for name in (outcome, time, unit)]
    outcome, time, unit = columns
    twice = [
        name
        for name in {*invariant, *status, *varying}
        if (invariant + status + varying).count(name) > 1 or name in columns
    ]
    if twice:
        raise FormulaError(f"{sorted(twice)[0]!r} is named twice; a predictor has one place.")
    growth, told = _shape(shape, time, knots, df, event)
    fixed = _product(growth, invariant) if growth else list(invariant)
    right = [*fixed, *status, *varying]
    effects = _random(random, growth)
    bar = "||" if random == "independent" and len(effects) > 1 else "|"
    text = f"{outcome} ~ {' + '.join([*right] or ['1'])} + ({' + '.join(effects)} {bar} {unit})"
    lines = [
        f"Intercept: expected {outcome} at {time} = 0"
        if growth
        else f"Intercept: expected {outcome} of an average {unit}",
        *told,
    ]
    if invariant or status:
        lines[0] += f", for {' and '.join(f'{w} = 0' for w in invariant + status)}"
    lines += [
        f"{w}: the difference in {outcome} at {time} = 0 that goes with one more {w}"
        if growth
        else f"{w}: the difference in {outcome} that goes with one more {w}"
        for w in invariant + status
    ]
    if growth:
        lines += [
            f"{g}:{w}: the difference in {_what(g, time)} that goes with one more {w}"
            for w in invariant
            for g in growth
        ]
    lines += [
        f"{x}: the change in {outcome} that goes with one more {x} at the same {time}, within and between {unit} "
        "mixed; mlm.within_between separates them"
        for x in varying
    ]
    lines.append(
        f"({' + '.join(effects)} {bar} {unit}): what differs between {unit}"
        + (", without covariances" if bar == "||" else "")
    )
    return GrowthFormula(text, "\n".join(lines))


def taxonomy(outcome, time, unit, *, invariant=(), varying=(), shape="linear", **options):
    """The usual sequence of growth models, from the unconditional means model on.

    Parameters
    ----------
    outcome, time, unit, shape :
        As in `formula`.
    invariant, varying : str or sequence of str
        Predictors of persons, and predictors that change over time.
    **options
        Others of `formula`: random, knots, df, event.

    Returns
    -------
    dict of str: GrowthFormula
        "A" unconditional means, "B" unconditional growth, "C" predictors of persons on initial status, "D" on status
        and rate of change, "E" with the varying predictors; those without predictors are left out.

    Notes
    -----
    Chapter 13 (`13_growth`); Singer and Willett (2003), sections 4.4 and 5.3. Compare them by ML: ``mlm.lmm(text, df,
    reml=False)``.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> for name, text in mlm.growth.taxonomy("lnw", "exper", "id", invariant="black", varying="uerate").items():
    ...     print(name, text)
    A lnw ~ 1 + (1 | id)
    B lnw ~ exper + (1 + exper | id)
    C lnw ~ exper + black + (1 + exper | id)
    D lnw ~ exper * black + (1 + exper | id)
    E lnw ~ exper * black + uerate + (1 + exper | id)
    """
    invariant, varying = _names(invariant), _names(varying)
    where = (outcome, time, unit)
    out = {"A": formula(*where, "flat"), "B": formula(*where, shape, **options)}
    if invariant:
        out["C"] = formula(*where, shape, status=invariant, **options)
        out["D"] = formula(*where, shape, invariant=invariant, **options)
    if varying:
        out["E" if invariant else "C"] = formula(*where, shape, invariant=invariant, varying=varying, **options)
    return out


def _names(given) -> list[str]:
    return [given] if isinstance(given, str) else list(given)


def _quoted(name: str) -> str:
    return name if re.fullmatch(r"[^\W\d]\w*(\.\w+)*", name) or "(" in name else f"`{name}`"


def _shape(shape, time, knots, df, event):
    """The growth terms, and what they mean."""
    if shape == "flat":
        return [], []
    if shape == "linear":
        return [time], [f"{time}: expected change per unit of {time}"]
    if shape in ("quadratic", "cubic"):
        terms = [time, f"I({time} ** 2)"] + [f"I({time} ** 3)"] * (shape == "cubic")
        told = [
            f"{time}: the slope at {time} = 0, and only there",
            f"I({time} ** 2): half the change of the slope per unit of {time}"
            + (f", at {time} = 0" if shape == "cubic" else "; the curve turns at -slope / (2 x this)"),
        ]
        return terms, told + [f"I({time} ** 3): a sixth of the change of the bend per unit of {time}"] * (
            shape == "cubic"
        )
    if shape == "piecewise":
        if knots is None:
            raise FormulaError("shape='piecewise' needs the times at which the slope changes, as in knots=[2, 5].")
        knots = [knots] if isinstance(knots, (int, float)) else list(knots)
        term = f"piecewise({time}, knots=[{', '.join(f'{k:g}' for k in knots)}])"
        phases = [
            f"to {knots[0]:g}",
            *(f"{a:g} to {b:g}" for a, b in zip(knots, knots[1:])),
            f"and from {knots[-1]:g} on",
        ]
        return [term], [f"{term}: the slope of each phase of {time}, {', '.join(phases)}"]
    if shape == "spline":
        return [f"ns({time}, df={df})"], [
            f"ns({time}, df={df}): a smooth curve; its {df} coefficients mean something together only: plot it"
        ]
    if shape == "discontinuous":
        jump, since = f"{event}_jump", f"{event}_since"
        return [time, jump, since], [
            f"{time}: expected change per unit of {time} before the {event}",
            f"{jump}: the jump at the {event}",
            f"{since}: the change of the slope after the {event}",
        ]
    raise FormulaError(f"shape= is one of {', '.join(_SHAPES)}; not {shape!r}.")


def _product(growth, invariant):
    if not invariant:
        return growth
    left = growth[0] if len(growth) == 1 else f"({' + '.join(growth)})"
    right = invariant[0] if len(invariant) == 1 else f"({' + '.join(invariant)})"
    return [f"{left} * {right}"]


def _random(random, growth) -> list[str]:
    if random in (None, "independent"):
        return ["1", *growth]
    if isinstance(random, str):
        if random != "intercept":
            raise FormulaError(
                f"random= is 'intercept', 'independent' or a list of terms; not {random!r}. One term: "
                f"random=[{random!r}]."
            )
        return ["1"]
    return ["1", *(term for term in random if term != "1")]


def _what(term, time) -> str:
    if term == time:
        return f"the slope of {time}"
    return f"the coefficient of {term}" if term.startswith("I(") else f"{term}"
