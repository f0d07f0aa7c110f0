"""What can go wrong with a GLMM, found and named: outcomes that say nothing, separation, runaway variances, flat likelihoods.

What cannot be estimated at all is refused (`check_outcome`, `refuse_separation`); what can, but should be known of, is told
(`told`).  Each check looks only where the numbers make it possible, so that it costs nothing otherwise.

Chapter 16 (``16_binary``) meets most of them, Chapter 17 (``17_counts``) the others.
"""

from __future__ import annotations

import numpy as np

from ..errors import DataError
from .nested_rows import NestedRows
from .separation import ends, find_direction, separation_message

__all__ = ["check_outcome", "refuse_separation", "told"]

_SURE = 1e-6  # score of a row at the end of its range, below which its coefficients may be running away
_WIDE = {"probit": 5.0}  # standard deviations on the link's scale that are hardly ever met
_WIDEST = 9.0
_FLAT = 1e-9
_COARSE = 0.1  # decrease of -2 log-likelihood that quadrature's gradient promises, from which Laplace is told to be coarse
_SIMPLER = {"nbinom2": "family='poisson'", "nbinom1": "family='poisson'", "t": "family='gaussian'", "zip": "family='poisson'",
            "zinb2": "family='nbinom2'", "zinb1": "family='nbinom1'"}


def check_outcome(model) -> None:
    """Refuse an outcome that says nothing of the model, naming the column and the mend."""
    design, density = model.design, model.density
    if density.K != 1:
        return
    name, y = design.endog_name, density.y
    limits = ends(density)
    if limits is not None and (limits[0].all() or limits[1].all()):
        what = "0" if limits[0].all() else "1" if density.trials is None else "the number of trials"
        raise DataError(f"The outcome {name!r} is {what} in every row: there is nothing to explain. Check that the "
                        "right column is named, and how it is coded.")
    if y.size and np.ptp(y) == 0 and density.trials is None and np.ndim(model.offset) == 0:
        raise DataError(f"The outcome {name!r} is {y[0]:g} in every row: there is nothing to explain. Check that the "
                        "right column is named.")
    binary = density.family.name in ("binomial", "bernoulli")
    for term in design.random:
        J, q = len(term.levels), len(term.names)
        if density.psi_names and not density.family.discrete and J * q >= len(y) and design.weights is None:
            raise DataError(f"The term {term.text} has {J} groups x {q} effects = {J * q} random effects for {len(y)} "
                            "rows: they cannot be told from the dispersion. Each group needs more rows, or the term "
                            "fewer effects.")
        if binary and term.members is None and "Intercept" in term.names:
            _refuse_constant_groups(term, limits, density, name)


def _refuse_constant_groups(term, limits, density, name) -> None:
    """A variance between groups is without bound where no group has both outcomes."""
    J = len(term.levels)
    trials = np.ones(density.n) if density.trials is None else density.trials
    if np.bincount(term.codes, trials, J).max() <= 1:
        raise DataError(f"The grouping factor {term.group!r} has one trial in each group: groups cannot be told from "
                        f"trials. Leave {term.text} out.")
    some = [np.bincount(term.codes, ~own, J) > 0 for own in limits]
    if not (some[0] & some[1]).any():
        raise DataError(f"The outcome {name!r} is the same in all rows of each group of {term.group!r}: it belongs to "
                        "the groups, and their variance would run to infinity. Keep one row a group and leave "
                        f"{term.text} out.")


def refit_shape(shape: tuple, n: int) -> str:
    """What is wrong with the outcomes that refit was given, and the mend of a table of draws."""
    draws = len(shape) == 2 and shape[1] == n
    return f"refit needs {n} finite outcomes, one for each row used" + (
        "; simulate gives a table with a row a draw: refit(drawn[0])." if draws else ".")


def refuse_separation(model, glm) -> None:
    """Refuse coefficients that would run to infinity, naming the variable."""
    if hasattr(model, "refuse_separation"):
        model.refuse_separation(glm)
        return
    density = model.density
    limits = ends(density) if density.K == 1 and model.X.ndim == 2 else None
    if limits is None:
        return
    low, high = limits
    if glm.found and not (np.abs(glm.terms.d1[low | high]) < _SURE).any():
        return
    X = model.design.X
    direction = find_direction(X, low, high, model.design) if X.shape[1] == len(model.X) else None
    if direction is not None:
        raise DataError(separation_message(model.design, model.names, direction, density))


def told(model, found) -> list[str]:
    """What the reader should know of a search's end."""
    messages = _wide(model, found) + _edge(model, found)
    if not messages:
        messages = _flat(model, found)
    if not found.converged and getattr(model.density, "bounds", None) is not None:
        messages.append(f"With the link {model.link.name!r} the linear predictor of some rows lies at the edge of what "
                        "the family allows, and the search ends there, at no maximum. Do not use these estimates; "
                        "another link has no such edge.")
    elif not found.converged:
        messages.append(f"The search did not converge: after {found.n_evaluations} evaluations the gradient is still "
                        f"{found.gradient_norm:.2g}. Do not use these estimates; simplify the random part.")
    if not messages and model.method == "laplace":
        messages = _coarse(model, found)
    if model.method == "agq" and np.isfinite(found.at.value):
        from .enough import too_few_nodes
        messages += too_few_nodes(model.criterion, found.at)
    return messages


def _wide(model, found) -> list[str]:
    """Variances on their way to infinity."""
    several = model.density.K != 1 and model.family.name != "multinomial"
    if several or model.link.name not in ("logit", "probit", "cloglog", "loglog", "cauchit", "log"):
        return []
    L, out = model.criterion.factor(found.at.x), []
    bound = _WIDE.get(model.link.name, _WIDEST)
    for term, block in zip(model.design.random, model.blocks):
        sd = float(np.linalg.norm(L[block, block], 2))
        if sd < bound:
            continue
        limits, mixed = ends(model.density), ""
        if limits is not None and term.members is None:
            J = len(term.levels)
            some = [np.bincount(term.codes, ~own, J) > 0 for own in limits]
            count = int((some[0] & some[1]).sum()) if limits[1].any() else int(some[0].sum())
            mixed = (f" Only {count} of {J} groups have both outcomes." if limits[1].any() else
                     f" Only {count} of {J} groups have a count above 0.")
        out.append(f"The random effects of {term.text} have a standard deviation of {sd:.3g} on the scale of the link, "
                   f"as good as infinite.{mixed} The likelihood hardly changes with it, and neither it nor the "
                   f"coefficients are to be trusted; give {term.group!r} fewer effects, or leave the term out.")
    return out


def _edge(model, found) -> list[str]:
    """Parameters of the density on their way to infinity."""
    psi, out = model.criterion.split(found.at.x)[2], []
    for name, value in zip(model.density.psi_names, psi):
        if abs(value) < 12.0 or model.density.K != 1 or not name.startswith(("log ", "logit ")) or name == "log sigma":
            continue
        simpler = _SIMPLER.get(model.family.name, "a simpler family")
        shown = next((row[1] for row in model.density.reported(psi) if row[2][model.density.psi_names.index(name)]), value)
        if model.family.discrete or model.family.name == "t":
            out.append(f"The parameter {name.split(' ', 1)[1]!r} of the family runs to the edge of what it can be "
                       f"({shown:.3g}): the data show none of the variation that it stands for. {simpler} fits as "
                       "well.")
    return out


def _flat(model, found) -> list[str]:
    """A direction of the random part along which the likelihood does not change."""
    from .search import curvature
    criterion, at = model.criterion, found.at
    L = criterion.factor(at.x)
    if any(model.singular(L)) or not criterion.m:
        return []
    whole = curvature(criterion, at, plain=True)
    size = np.sqrt(np.abs(np.diagonal(whole)))
    if not (np.isfinite(whole).all() and (size > 0).all()):
        return []
    values, axes = np.linalg.eigh(whole / np.outer(size, size))
    if values[0] > _FLAT * values[-1]:
        return []
    step = np.abs(np.tensordot(axes[:, 0] / size, criterion.basis, 1))
    named = " and ".join(term.text for term, block in zip(model.design.random, model.blocks)
                         if step[block, block].max() > 1e-3 * step.max())
    return [f"The data cannot tell all variances and correlations of {named} apart: the likelihood is the same along a "
            "line of them, of which this is one point. Write || for no correlations, or leave one of the effects out."]


def _coarse(model, found) -> list[str]:
    """Laplace's approximation where quadrature would move the estimates by a part of their standard errors."""
    rows, density = model.rows, model.density
    nested = isinstance(rows, NestedRows)
    if not (model.one_factor or nested) or rows.q > 2 or density.K != 1 or rows.size * 40 < density.n or density.n > 100_000:
        return []
    from .nested_quadrature import NestedQuadrature
    from .quadrature import Quadrature
    own = model.criterion.X, rows, density, model.criterion.offset, model.criterion.basis
    near = (NestedQuadrature(*own, 5) if nested else Quadrature(*own, 7))(found.at.x, found.at.modes.v)
    if near.gradient is None:
        return []
    gain = float(near.gradient @ np.linalg.solve(found.B, near.gradient))
    if not gain > _COARSE:
        return []
    mixed = ""
    limits, term = ends(density), max(model.design.random, key=lambda term: len(term.levels))
    if limits is not None and limits[1].any():
        J = len(term.levels)
        some = [np.bincount(term.codes, ~own, J) > 0 for own in limits]
        alike = J - int((some[0] & some[1]).sum())
        mixed = f" ({alike} of {J} groups of {term.group!r} have one and the same outcome in all their rows)" if alike else ""
    return ["Laplace's approximation is coarse here: quadrature would move the estimates by about "
            f"{np.sqrt(gain / 2):.1g} standard errors, for groups are small{mixed}. Use method='agq', and raise nodes= "
            "until nothing changes."]
