"""A fitted model as plain numbers: what the grader looks at, and what crosses from a submission's process."""
import json
import math
from types import SimpleNamespace

from .seal import seal, unseal, unveil, veil

SMALL = 12  # up to so many coefficients, their covariance matrix crosses too
FORM = ("kind", "nobs", "reml", "family", "link", "method")  # what must be the same, word by word


def _plain(mapping):
    items = mapping.items() if hasattr(mapping, "items") else dict(mapping).items()
    return {str(k): float(v) for k, v in items}


def describe(fit):
    """Numbers that identify a fit: kind, rows, coefficients, criterion, variance parameters; None if it is no fit."""
    if isinstance(fit, SimpleNamespace) and getattr(fit, "is_fit_record", False):
        return dict(fit.fields)
    if getattr(fit, "params", None) is None or not hasattr(fit, "nobs"):
        return None
    try:
        out = {"params": _plain(fit.params), "se": _plain(fit.bse), "nobs": float(fit.nobs), "llf": float(fit.llf)}
        if hasattr(fit, "criterion"):  # least squares has a table of variances too, and no criterion
            rows = fit.variance_components
            out |= {"kind": "mixed", "reml": bool(fit.reml), "criterion": float(fit.criterion),
                    "variances": {f"{g}: {n}": float(v) for g, n, v in zip(rows["group"], rows["name"], rows["variance"])}}
        else:
            out |= {"kind": "linear"}
        if hasattr(fit, "family"):
            out |= {"kind": "mixed" if out["variances"] else "linear", "family": str(fit.family.name),
                    "link": str(getattr(fit.link, "name", fit.link)), "method": str(fit.method),
                    "dispersion": {} if getattr(fit, "dispersion", None) is None else _plain(fit.dispersion)}
            if not math.isfinite(out["llf"]):  # a quasi-likelihood has none
                out["llf"] = out["criterion"] = 0.0
        if len(out["params"]) <= SMALL:
            V = fit.cov_params()
            out["cov"] = {str(a): {str(b): float(V.loc[a, b]) for b in V.columns} for a in V.index}
    except (TypeError, ValueError, KeyError, AttributeError):
        return None
    return out


def record(fields):
    """A stand-in for a fit, made from the numbers of `describe`."""
    return SimpleNamespace(is_fit_record=True, fields=fields)


def _names(found, wanted, what):
    missing, extra = sorted(set(wanted) - set(found)), sorted(set(found) - set(wanted))
    if missing:
        return f"{what} lacks {', '.join(missing)}" + (f" and has {', '.join(extra)}." if extra else ".")
    return f"{what} has {', '.join(extra)}, which the question does not ask for." if extra else ""


def _height(fields):
    return fields.get("criterion", fields["llf"])


def _as_high(found, wanted):
    return abs(_height(found) - _height(wanted)) <= 1e-5 * max(1, abs(_height(wanted)))


def _near(a, b, tol):
    """Whether two sets of numbers agree, whatever their names and order."""
    a, b = sorted(a.values()), sorted(b.values())
    floor = 0.01 * max(map(abs, b), default=0)
    return len(a) == len(b) and all(abs(x - y) <= tol * max(abs(y), floor) for x, y in zip(a, b))


def same(found, wanted):
    """Whether two described fits are one model, under whatever names its columns have."""
    return (all(found.get(key) == wanted.get(key) for key in FORM) and _as_high(found, wanted)
            and _near(found["params"], wanted["params"], 1e-3)
            and _near(found.get("variances", {}), wanted.get("variances", {}), 1e-2))


def differences(found, wanted):
    """Reply that names the first difference between two described fits; empty if there is none."""
    if same(found, wanted):
        return ""
    reply = _of_form(found, wanted)
    if reply:
        return reply
    if not _as_high(found, wanted):
        return "the terms are right, but the fit is another one: were the data changed, or the outcome?"
    for name, value in wanted["params"].items():
        if abs(found["params"][name] - value) > 0.05 * max(found["se"][name], wanted["se"][name]):
            return (f"it fits as well as it should, but the coefficient of {name} is another one: does each column hold "
                    "what its name says?")
    return ""


def _of_form(found, wanted):
    """The first difference of kind, rows, terms or method."""
    if found["kind"] != wanted["kind"]:
        return ("the groups are not in this model: a random part such as (1 | school) is missing."
                if wanted["kind"] == "mixed" else "this is a mixed model; the question asks for one without random effects.")
    if found["nobs"] != wanted["nobs"]:
        return f"it is fitted to {found['nobs']:.0f} rows and not to all {wanted['nobs']:.0f}."
    for key, word in (("family", "family"), ("link", "link"), ("method", "method")):
        if found.get(key) != wanted.get(key):
            return (f"its {word} is {found.get(key, 'that of a linear model')}, and the question asks for "
                    f"{wanted.get(key, 'a linear model')}.")
    reply = _names(found["params"], wanted["params"], "the fixed part")
    if not reply and wanted["kind"] == "mixed":
        reply = _names(found["variances"], wanted["variances"], "the random part")
        if not reply and found["reml"] != wanted["reml"]:
            reply = f"it is fitted by {'REML' if found['reml'] else 'ML'}, and the question asks for {'REML' if wanted['reml'] else 'ML'}."
    return reply


# ---- what a public check of a guided step may know -----------------------------------------------------------------

def _marks(fields):
    """What two fits share if they are one model, under whatever names: the height, each coefficient in order of size, and
    the sum of the variances. A model of the same height with other columns has other coefficients."""
    return ((_height(fields), 1e-5), *((v, 1e-3) for v in sorted(fields["params"].values())),
            (sum(fields.get("variances", {}).values()), 1e-2))


def sealed_fit(wanted, known, salt):
    """A fit as a public check carries it: terms out of plain sight, the optimum and known mistakes under seal."""
    form = {key: wanted[key] for key in FORM if key in wanted}
    form |= {key: list(wanted[key]) for key in ("params", "variances") if key in wanted}
    mistakes = [[seal(v, reply, width=w, salt=salt) for v, w in _marks(fields)] for fields, reply in known]
    return {"form": veil(json.dumps(form), salt), "known": mistakes,
            "right": [seal(v, "right", width=w, salt=salt) for v, w in _marks(wanted)]}


def _opened(found, locks, salt):
    marks, reply = _marks(found), None
    if len(marks) != len(locks):
        return None
    for (value, _), lock in zip(marks, locks):  # a lock that stays shut ends it: each try is slow
        reply = unseal(value, lock, salt=salt)
        if not reply:
            return None
    return reply


def unlike(found, sealed, salt):
    """Reply to a described fit that is not the sealed one; empty if it is."""
    form = json.loads(unveil(sealed["form"], salt))
    alike = (all(found.get(key) == form.get(key) for key in FORM)
             and all(len(found.get(key, ())) == len(form.get(key, ())) for key in ("params", "variances")))
    if alike and _opened(found, sealed["right"], salt):
        return ""
    for locks in sealed["known"] if alike else ():
        reply = _opened(found, locks, salt)
        if reply:
            return reply
    return _of_form(found, form) or ("the terms are right, but the fit is another one: were the data changed, or the outcome, "
                                     "or does a column not hold what its name says?")
