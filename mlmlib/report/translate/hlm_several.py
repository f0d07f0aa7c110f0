"""HLM 7 with two grouping factors: HLM3 for nested ones, HCM2 for crossed ones.

References
----------
Raudenbush, S. W., & Bryk, A. S. (2002). Hierarchical linear models (2nd ed.). Sage, chapters 8 and 12.
"""

from __future__ import annotations

from .hlm import SUB, _column
from .model import Model, Untranslatable, derived

__all__ = ["write"]


def write(model: Model):
    groups = list(dict.fromkeys(r.group for r in model.random))
    if len(groups) != 2 or len(model.random) != 2:
        raise Untranslatable("HLM's windows take one term for each of at most two grouping factors (HLM3 and HCM2; "
                             "HLM4 has three)"
                             if len(groups) != 1 else "HLM asks for columns of their own for combined groups and "
                                                      "several terms")
    if not model.intercept:
        raise Untranslatable("HLM's level-1 equation keeps its intercept unless it is deleted by hand")
    nested = [(inner, outer) for inner, outer in model.inside]
    if nested:
        return _three(model, *nested[0])
    return _crossed(model, groups)


class _Words:
    """Names of columns and products, and a list of what must be made before."""

    def __init__(self, model):
        self.model, self.names, self.made = model, derived(model, "**", "LN"), []
        response = model.formula.response
        self.outcome = (self.names[response][0] if response in self.names else model.outcome).upper()

    def word(self, term):
        text = "_".join(_column(self.model, f, self.names) for f in term)
        if len(term) > 1:
            self.made.append(f"{text} = {' x '.join(_column(self.model, f, self.names) for f in term)}")
        return text

    def sorted_by(self, place):
        """{level-1 term: {(): ..., term of the higher levels: ...}} with `place` telling the level of a factor, 0 for level 1."""
        found, ones = {(): []}, [()]
        for term in (t for t in self.model.fixed if t):
            low = tuple(f for f in term if not place(f))
            high = tuple(f for f in term if place(f))
            if high and low and low not in self.model.fixed:
                low, high = term, ()
            if low and low not in found:
                found[low] = []
                ones.append(low)
            if high:
                found[low].append(high)
        return ones, found


def _three(model, inner, outer):
    words = _Words(model)
    by = {r.group: r for r in model.random}
    levels = model.constant

    def place(factor):
        return 3 if set(factor.columns) <= levels.get(outer, frozenset()) else (
            2 if set(factor.columns) <= levels.get(inner, frozenset()) else 0)

    ones, high = words.sorted_by(place)
    for r in model.random:
        for term in r.slopes:
            if term not in ones:
                raise Untranslatable(f"in HLM the random slope of {words.word(term)} needs its fixed part too")
    pi = ["\u03c0\u2080ij", *(f"\u03c0{_n(p)}ij*({words.word(t)}tij)" for p, t in enumerate(ones) if t)]
    lines = ["Level-1 model", f"  {words.outcome}tij = {' + '.join([*pi, 'etij'])}", "Level-2 model"]
    third = ["Level-3 model"]
    for p, term in enumerate(ones):
        twos = [()] + [t for t in high[term] if all(place(f) == 2 for f in t)]
        mixed = {t: tuple(f for f in t if place(f) == 2) for t in high[term] if t not in twos}
        right = []
        for q, two in enumerate(twos):
            right.append(f"\u03b2{_n(p)}{_n(q)}j" + (f"*({words.word(two)}ij)" if two else ""))
            own = [t for t, low in mixed.items() if low == two or (not two and low not in twos)]
            sums = [f"\u03b3{_n(p)}{_n(q)}\u2080"] + [
                f"\u03b3{_n(p)}{_n(q)}{_n(s)}*({words.word(tuple(f for f in t if place(f) == 3))}j)"
                for s, t in enumerate(own, 1)]
            if not two and term in by[outer].effects:
                sums.append(f"u{_n(p)}\u2080j")
            third.append(f"  \u03b2{_n(p)}{_n(q)}j = {' + '.join(sums)}")
        if term in by[inner].effects:
            right.append(f"r{_n(p)}ij")
        lines.append(f"  \u03c0{_n(p)}ij = {' + '.join(right)}")
    note = (f"HLM3. Level-2 ID: {inner.split(':')[-1].upper()}, level-3 ID: {outer.upper()}. "
            f"Enter predictors uncentered. HLM3 estimates by full maximum likelihood"
            + (", so REML criterion and standard errors differ a little from ours: compare with reml=False."
               if model.method == "REML" else ", as here."))
    return "\n".join(lines + third), " ".join([note, *_remarks(model, words)])


def _crossed(model, groups):
    if any(not r.single or r.slopes for r in model.random):
        raise Untranslatable("HCM2 asks which slopes vary over rows and over columns term by term; we write its "
                             "equations for random intercepts only")
    row, column = sorted(groups, key=lambda g: -model.sizes.get(g, 0))
    words = _Words(model)
    levels = model.constant

    def place(factor):
        return next((g for g in (row, column) if set(factor.columns) <= levels.get(g, frozenset())), 0)

    ones, high = words.sorted_by(place)
    pi = ["\u03c0\u2080jk", *(f"\u03c0{_n(p)}jk*({words.word(t)}ijk)" for p, t in enumerate(ones) if t)]
    lines = ["Level-1 model", f"  {words.outcome}ijk = {' + '.join([*pi, 'eijk'])}", "Level-2 model"]
    for p, term in enumerate(ones):
        parts = [f"\u03b8{_n(p)}"] + ["b\u2080\u2080j", "c\u2080\u2080k"] * (not term)
        count = {row: 0, column: 0}
        for t in high[term]:
            sides = {place(f) for f in t}
            if len(sides) > 1:
                raise Untranslatable("a product of a row and a column predictor has to be a column of level 1 in HCM2")
            side = sides.pop()
            count[side] += 1
            letter, index = ("\u03b3", "j") if side == row else ("\u03b2", "k")
            parts.append(f"{letter}{_n(p)}{_n(count[side])}*({words.word(t)}{index})")
        lines.append(f"  \u03c0{_n(p)}jk = {' + '.join(parts)}")
    note = (f"HCM2. Row factor (the one with more groups): {row.upper()}, column factor: {column.upper()}. HCM2 "
            "estimates by full maximum likelihood" + ("; compare with reml=False." if model.method == "REML"
                                                      else ", as here."))
    return "\n".join(lines), " ".join([note, *_remarks(model, words)])


def _n(number: int) -> str:
    return str(number).translate(SUB)


def _remarks(model, words):
    for column, levels in model.categories.items():
        yield f"{column} enters as 0/1 columns, {levels[0]} = 0." if levels else f"{column} enters as 0/1 columns."
    if words.made:
        yield "Products are columns made beforehand: " + "; ".join(dict.fromkeys(words.made)) + "."
    for r in model.random:
        if not r.single and r.structure != "unstructured":
            yield f"HLM estimates the full matrix of variances and covariances; this {r.structure} one it does not offer."
    if not model.known:
        yield "Without data every predictor is taken to be of level 1."
