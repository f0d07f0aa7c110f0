"""Is one generalized linear mixed model a special case of another? Comparisons that would mean nothing are refused here.

As in `mlmlib.inference.nesting`, fixed parts are nested when the columns of the smaller lie in the space of the larger
one's, and random parts when the smaller one's covariance matrices are among the larger one's.  Families may be nested
too: a Poisson variable is a negative binomial one with 1/theta = 0, and one that is zero-inflated with probability 0.
These lie on the boundary of what is possible.

Chapter 16 (``16_binary``) and Chapter 17 (``17_counts``) compare such models.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..glmm.laplace import Laplace
from .nesting import _inside, _lengths, _same_groups, _same_outcome, _same_rows, _symmetric

__all__ = ["Special", "check_generalized", "information_at", "own_covariance", "refuse_kinds"]

_TOLERANCE = 1e-7  # share of a column's length outside the larger model's columns that is rounding
_BASES = {("poisson", "nbinom2"): ("1/theta = 0", True), ("poisson", "nbinom1"): ("alpha = 0", True),
          ("geometric", "nbinom2"): ("theta = 1", False), ("exponential", "gamma"): ("shape = 1", False),
          ("gaussian", "t"): ("1/df = 0", True)}
_MEND = "Compare them by AIC or BIC."


@dataclass(frozen=True)
class Special:
    """A smaller model as a special case of a larger one.

    Attributes
    ----------
    D : ndarray, shape (q, q) or None
        Covariance of the smaller fit in the larger model's own columns; None where the larger has no random effects.
    maps : list of ndarray, shape (q, q_term)
        For each of its terms, the map from the term's own columns.
    singular : bool
        True when D has fewer dimensions than its structure allows.
    random : int
        Number of parameters of the random part that the smaller model lacks.
    words : tuple of str
        What it says of the family.
    edges : int
        How many of these lie on the boundary.
    unknown : bool
        True where the smaller model leaves parameters of the larger without meaning (predictors of zeros that never
        occur), so that the likelihood ratio has no known limit.
    """

    D: Any
    maps: list
    singular: bool
    random: int
    words: tuple = ()
    edges: int = 0
    unknown: bool = False


def refuse_kinds(fits) -> None:
    """Refuse fits whose likelihoods cannot be compared, whatever their models."""
    if not any(hasattr(fit, "density") for fit in fits):
        return
    for fit in fits:
        if not hasattr(fit, "density"):
            least = "without a random term" if not fit.design.random else "with the same formula"
            raise ValueError(f"One of the fits is a linear model ({fit.formula}), the other a generalized one. Fit it "
                             f"by mlm.glmm too, {least} and with the family of the other.")
        if fit.method in ("pql", "mql"):
            raise ValueError(f"method={fit.method!r} has no likelihood of the outcomes, on which this rests "
                             f"({fit.formula}). Fit it with method='laplace' or 'agq', or test coefficients by "
                             "fit.test(...).")
    ways = {(fit.method, fit.nodes) for fit in fits if fit.design.random}
    if len(ways) > 1:
        said = " and ".join("Laplace's approximation" if how == "laplace" else f"quadrature with {nodes} nodes"
                            for how, nodes in sorted(ways, key=str))
        raise ValueError(f"The fits are by {said}: different approximations of the likelihood, whose difference would "
                         "be in the test. Fit both with method='laplace', or both with method='agq' and the same "
                         "nodes=.")


def check_generalized(null, full) -> tuple[bool, Special]:
    """Refuse a comparison that means nothing: `mlmlib.inference.nesting.check_nested` for generalized models."""
    refuse_kinds((null, full))
    for fit, which in ((null, "first"), (full, "second")):
        if not fit.converged:
            raise ValueError(f"The search of the {which} fit ({fit.formula}) did not converge, so its likelihood is "
                             "not at its maximum and cannot be compared. Simplify its random part.")
    _same_outcome(null, full)
    order = _same_rows(null, full)
    _same_conditions(null, full, order)
    words, edges, unknown = _families(null, full)
    if null.n_params > full.n_params:
        raise ValueError(f"The smaller model comes first: {null.formula} has {null.n_params} parameters, "
                         f"{full.formula} {full.n_params}. Exchange them.")
    differ = _fixed_nested(null, full, order)
    if not full.design.random:
        if null.design.random:
            raise ValueError("The fits are not nested: the first model has random effects, the second has none.")
        D, maps, singular = None, [], False
    else:
        D, maps, singular = _embed(null, full, order)
    if null.n_params == full.n_params:
        raise ValueError("The two are the same model, written the same way or another: they have the same number of "
                         "parameters and fit the same means and covariances.")
    random = len(full.model.basis) - len(null.model.basis)
    return differ, Special(D, maps, singular, random, words, edges, unknown)


def _same_conditions(null, full, order) -> None:
    """Refuse other weights, trials or links."""
    n = len(full.design.y)
    for what, a, b in (("weights", null.design.weights, full.design.weights),
                       ("trials", null.density.trials, full.density.trials)):
        a, b = (np.ones(n) if one is None else np.asarray(one, dtype=float) for one in (a, b))
        if not np.allclose(a[order], b, rtol=1e-10, atol=0.0):
            raise ValueError(f"The fits have different {what}, so that their likelihoods are of different data. Fit "
                             f"both with the same {what}=.")
    if null.link.name != full.link.name:
        raise ValueError(f"The fits are not nested: the first has the link {null.link.name}, the second "
                         f"{full.link.name}. {_MEND}")


def _families(null, full) -> tuple[tuple, int, bool]:
    """What the smaller model says of the family, how much of it lies on the boundary, and whether a limit is unknown."""
    small, large = null.family, full.family
    words, edges, unknown = [], 0, False
    bases = [getattr(one, "base", one).name for one in (small, large)]
    zeros = [None if not hasattr(one, "base") else "hurdle" if one.hurdle else "inflated" for one in (small, large)]
    constant = getattr(small, "constant", True), getattr(large, "constant", True)
    if bases[0] != bases[1]:
        if tuple(bases) not in _BASES:
            raise _not_nested(small, large, tuple(bases[::-1]) in _BASES)
        said, edge = _BASES[tuple(bases)]
        words.append(said)
        edges += edge
    if zeros[0] != zeros[1]:
        if zeros != [None, "inflated"]:
            raise _not_nested(small, large, zeros == ["inflated", None])
        words.append("no extra zeros")
        edges += 1
        if not constant[1]:
            alone = full.model.zero.names == ("zero: Intercept",) and full.model.zero.first == len(full.design.random)
            unknown = not alone
    elif constant == (False, True):
        raise ValueError("The fits are not nested: the first has a formula for zeros, the second one probability. "
                         "Exchange them, or compare them by AIC or BIC.")
    return tuple(words), edges, unknown


def _not_nested(small, large, exchanged) -> ValueError:
    why = "Exchange them." if exchanged else f"Neither family is a special case of the other. {_MEND}"
    return ValueError(f"The fits are not nested: the first has family={small.name!r}, the second {large.name!r}. {why}")


def _columns(fit, K: int):
    """Names and columns of all that the linear predictors are made of, shape (K, n, p), thresholds' parts too."""
    names, X = fit.model._fixed_columns()
    n = X.shape[-1]
    wide = np.zeros((K, n, len(X)))
    if X.ndim == 2:
        wide[0] = X.T
    else:
        wide[:X.shape[1]] = X.transpose(1, 2, 0)
    names, more = list(names), []
    if fit.family.name == "ordinal":
        nominal = fit.model.nominal
        own = np.ones((n, 1)) if nominal is None else np.column_stack([np.ones(n), nominal.columns.T])
        more.append((0, own, ["thresholds", *(() if nominal is None else nominal.names)]))
    if K == 2 and X.ndim == 2 and hasattr(fit.family, "base"):
        more.append((1, np.ones((n, 1)), ["the probability of zeros"]))
    for place, own, labels in more:
        block = np.zeros((K, n, own.shape[1]))
        block[place] = own
        wide, names = np.concatenate([wide, block], axis=2), [*names, *labels]
    return names, wide


def _offset(fit, K: int) -> np.ndarray:
    offset = np.asarray(fit.model.offset, dtype=float)
    out = np.zeros((K, len(fit.design.y)))
    out[:1 if offset.ndim < 2 else K] = offset
    return out


def _fixed_nested(null, full, order) -> bool:
    """Refuse fixed parts that are not nested; whether they differ."""
    K = full.density.K
    names, small = _columns(null, K)
    _, large = _columns(full, K)
    small, large = small[:, order].reshape(-1, small.shape[2]), large.reshape(-1, large.shape[2])
    basis, R = np.linalg.qr(large / np.maximum(_lengths(large), 1e-300))
    basis = basis[:, np.abs(np.diagonal(R)) > 1e-9]
    small = small / _lengths(small)
    left = _lengths(small - basis @ (basis.T @ small))
    if (left > _TOLERANCE).any():
        lost = [name for name, rest in zip(names, left) if rest > _TOLERANCE]
        raise ValueError(f"The fits are not nested: {', '.join(map(repr, lost))} of the first model's fixed effects "
                         f"cannot be made of the second's. {_MEND}")
    nominal = [set(getattr(fit, "nominal", ())) for fit in (null, full)]
    if not nominal[0] <= nominal[1]:
        raise ValueError(f"The fits are not nested: thresholds differ by {', '.join(sorted(nominal[0] - nominal[1]))} "
                         f"in the first model, and not in the second. {_MEND}")
    shift = (_offset(null, K)[:, order] - _offset(full, K)).ravel()
    if np.abs(shift).max() > 1e-12:
        rest = shift - basis @ (basis.T @ shift)
        if np.linalg.norm(rest) > _TOLERANCE * np.linalg.norm(shift):
            raise ValueError("The fits have different offsets or exposures, and their difference is no combination of "
                             "the second model's fixed effects, so the first is not a special case of it. Fit both "
                             "with the same offset= and exposure=.")
        return True
    return len(null._names) != len(full._names)


def _random_columns(fit, K: int) -> list[np.ndarray]:
    """Of each term its columns as the model has them, shape (q, K, n)."""
    if not fit.design.random:
        return []
    found, first = [], getattr(getattr(fit.model, "zero", None), "first", None)
    for k, Z in enumerate(fit.model._random_columns()[0]):
        wide = np.zeros((len(Z), K, Z.shape[-1]))
        if Z.ndim == 2:
            wide[:, int(first is not None and k >= first)] = Z
        else:
            wide[:, :Z.shape[1]] = Z
        found.append(wide)
    return found


def own_covariance(fit) -> np.ndarray:
    """Covariance matrix of all random effects in the model's own columns."""
    L = fit.model.criterion.factor(fit._at.x)
    return L @ L.T


def _embed(null, full, order):
    """The smaller model's random part in the larger one's own columns; refuses one that is not a special case."""
    K, blocks = full.density.K, full.model.blocks
    q = blocks[-1].stop
    D, whole, maps = np.zeros((q, q)), np.zeros((q, q)), []
    allowed = _symmetric(full.model.basis)
    large = _random_columns(full, K)
    own = own_covariance(null) if null.design.random else None
    for k, Z in enumerate(_random_columns(null, K)):
        term, shape, block = null.design.random[k], null.model.structures[k], null.model.blocks[k]
        found = _map(term, Z[:, :, order], full, large, order, blocks)
        if not all(_inside(found @ E @ found.T, allowed) for E in _symmetric(shape.basis)):
            raise ValueError(f"The fits are not nested: the first model's {shape.name} covariance of {term.text} is no "
                             f"special case of the second's. {_MEND}")
        D += found @ own[block, block] @ found.T
        whole += found @ found.T
        maps.append(found)
    scale = float(np.abs(whole).max(initial=0.0))
    rank = int((np.linalg.eigvalsh(whole) > 1e-12 * scale).sum())
    return D, maps, bool((np.linalg.eigvalsh(D) > 1e-8).sum() < rank)


def _map(term, Z, full, large, order, blocks) -> np.ndarray:
    """The map from a term's own columns to the larger model's own columns of the same groups."""
    found = np.zeros((blocks[-1].stop, len(Z)))
    same = [k for k, other in enumerate(full.design.random) if _same_groups(term.codes[order], other.codes)]
    if not same:
        groups = ", ".join(dict.fromkeys(other.group for other in full.design.random))
        raise ValueError(f"The fits are not nested: the first model groups by {term.group!r}, the second by {groups}. "
                         f"{_MEND}")
    wide = np.concatenate([large[k] for k in same]).reshape(-1, Z[0].size).T
    small = Z.reshape(len(Z), -1).T
    weights = np.linalg.lstsq(wide, small, rcond=1e-10)[0]
    left = _lengths(small - wide @ weights) > 1e-6 * _lengths(small)
    if left.any():
        raise ValueError(f"The fits are not nested: the first model lets {', '.join(map(repr, term.names))} vary over "
                         f"{term.group!r}, the second does not, or not all of it. {_MEND}")
    at = 0
    for k in same:
        found[blocks[k]] = np.where(np.abs(own := weights[at:at + len(large[k])]) > 1e-9, own, 0.0)
        at += len(large[k])
    return found


def information_at(null, full, special: Special):
    """The information that the larger model's data hold on covariance matrices, at the smaller fit.

    Returns
    -------
    callable
        ``information(E)`` for directions E (m, q, q): that of the working linear mixed model, shape (m, m).
    """
    model, q = full.model, len(special.D)
    unit = np.eye(q * q).reshape(-1, q, q)
    criterion = Laplace(model.X, model.rows, model.density, model.offset, unit)
    order = _same_rows(null, full)
    eta = np.atleast_2d(null.model.criterion.fixed(null._at.x))[..., order]
    gap = np.zeros((full.density.K, eta.shape[-1]))
    gap[:len(eta)] = eta
    gap = (gap - _offset(full, len(gap))).ravel()
    b = np.linalg.lstsq(criterion.flat.T, gap, rcond=None)[0]
    if full.density.K > len(eta):
        b[len(null._names):] = full._at.x[len(null._names):criterion.p]
    psi = null._psi if len(null._psi) == len(full._psi) else full._psi
    values, axes = np.linalg.eigh(special.D)
    at = criterion(np.concatenate([b, (axes * np.sqrt(np.maximum(values, 0.0))).ravel(), psi]), gradient=False)
    return at.modes.inverse.information
