"""A fitted model as plain numbers: what the grader looks at, and what crosses from a submission's process."""
from types import SimpleNamespace


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
        if hasattr(fit, "variance_components"):
            rows = fit.variance_components
            out |= {"kind": "mixed", "reml": bool(fit.reml), "criterion": float(fit.criterion),
                    "variances": {f"{g}: {n}": float(v) for g, n, v in zip(rows["group"], rows["name"], rows["variance"])}}
        else:
            out |= {"kind": "linear"}
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


def differences(found, wanted):
    """Reply that names the first difference between two described fits; empty if there is none."""
    if found["kind"] != wanted["kind"]:
        return ("the groups are not in this model: a random part such as (1 | school) is missing."
                if wanted["kind"] == "mixed" else "this is a mixed model; the question asks for one without random effects.")
    if found["nobs"] != wanted["nobs"]:
        return f"it is fitted to {found['nobs']:.0f} rows and not to all {wanted['nobs']:.0f}."
    reply = _names(found["params"], wanted["params"], "the fixed part")
    if not reply and wanted["kind"] == "mixed":
        reply = _names(found["variances"], wanted["variances"], "the random part")
        if not reply and found["reml"] != wanted["reml"]:
            reply = f"it is fitted by {'REML' if found['reml'] else 'ML'}, and the question asks for {'REML' if wanted['reml'] else 'ML'}."
    if reply:
        return reply
    scale = wanted.get("criterion", wanted["llf"])
    if abs(found.get("criterion", found["llf"]) - scale) > 1e-5 * max(1, abs(scale)):
        return "the terms are right, but the fit is another one: were the data changed, or the outcome?"
    return ""
