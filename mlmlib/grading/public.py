"""The public check: the form of an answer and the mistakes that are known, from a seal; see `mlmlib.grading.seal`.

A seal says which library made it. A copy older than the library may know other numbers than those that the library gives
now; then a refusal says so, and the grader, which always compares with the present ones, has the last word.
"""
import math

from .answers import NotYet, as_dict, as_letter, as_letters, as_number, as_truth, call
from .recording import note
from .rounding import ROUNDING, outside, tolerance, with_value
from .seal import FORMAT, seal, unseal

OLDER = ("(This copy was made with mlmlib {made}, and {here} runs here, so this check may be out of date. If you trust your answer, "
         "leave it: the grader compares with the numbers of the present library.)")


def _version():
    from mlmlib import __version__
    return __version__


def _width(value, known, digits):
    """Width of a seal, from the tolerance; halved until it is fine enough, so that it gives away only a power of two."""
    width, wanted = 0.5 * 10.0 ** (1 - digits), tolerance(value, known, digits) / (abs(value) or 1.0)
    while width > 1.01 * wanted and width > 1e-9:
        width /= 2
    return width


def make_seal(record, salt):
    """What the public check of `record` may know, as plain data for the student copy."""
    out = {"kind": record.kind, "what": record.what, "salt": salt, "library": _version(), "format": FORMAT}
    if record.kind == "number":
        places = [(record.expected, ""), *record.known]
        sealed = [seal(v, r, width=_width(v, places, record.digits), salt=salt) for v, r in record.known if math.isfinite(v)]
        out |= {"between": record.between, "known": sealed, "digits": record.digits}
        if record.confirm:
            out["right"] = seal(record.expected, "right", width=_width(record.expected, record.known, record.digits), salt=salt)
    elif record.kind == "fit" and record.confirm:
        from .fits import describe, sealed_fit
        out["fit"] = sealed_fit(describe(record.expected), [(describe(wrong), reply) for wrong, reply in record.known], salt)
    elif record.options:
        out["options"] = list(record.options)
    elif record.kind == "table":
        out["names"] = list(record.expected)
    elif record.kind == "function":
        out["sample"] = list(record.sample)
    return out


def form(value, sealed=None):
    """Public check: has the answer the right form, and is it a mistake we know? It does not know the answer."""
    if note("form", value, "form"):
        return
    sealed = sealed or {"kind": "any", "what": "this question"}
    made = sealed.get("library", _version())
    older = "" if made == _version() else OLDER.format(made=made, here=_version())
    shut = sealed.get("format", FORMAT) != FORMAT  # the locks of another library do not open here
    confirms = "right" in sealed or "fit" in sealed
    if shut:
        sealed = {k: v for k, v in sealed.items() if k not in ("right", "fit")} | {"known": []}
    try:
        _form(value, sealed)
        if shut and confirms:
            raise NotYet("The form is right; the value cannot be confirmed here.")
    except NotYet as reply:
        raise NotYet(f"{reply} {older}".strip()) from None


def _form(value, sealed):
    what = sealed["what"]
    match sealed["kind"]:
        case "number":
            x = as_number(value, what)
            for locked in sealed["known"]:
                reply = unseal(x, locked, salt=sealed["salt"])
                if reply:
                    raise NotYet(with_value(x, reply))
            outside(x, sealed["between"], what)
            if "right" in sealed and not unseal(x, sealed["right"], salt=sealed["salt"]):
                raise NotYet(f"{x:.6g} is not {what} yet. Open the next hint. " + ROUNDING.format(digits=sealed["digits"]))
        case "choice":
            as_letter(value, sealed["options"], what)
        case "truth":
            as_truth(value, what)
        case "choose":
            as_letters(value, sealed["options"], what)
        case "table":
            got = as_dict(value, what)
            missing = [k for k in sealed["names"] if k not in got]
            if missing:
                raise NotYet(f"{what[0].upper() + what[1:]} lacks {', '.join(missing[:5])}.")
            for k in sealed["names"]:
                as_number(got[k], f"{what}, {k}")
        case "function":
            call(value, sealed["sample"], what)
        case "fit":
            from .fits import describe, unlike
            if value is None or value is Ellipsis:
                raise NotYet(f"No answer yet for {what}.")
            found = describe(value)
            if found is None:
                raise NotYet(f"{what[0].upper() + what[1:]} should be a fitted model; this is a {type(value).__name__}.")
            reply = unlike(found, sealed["fit"], sealed["salt"]) if "fit" in sealed else ""
            if reply:
                raise NotYet(f"{what[0].upper() + what[1:]}: {reply}")
        case _:
            if value is None or value is Ellipsis:
                raise NotYet("No answer yet.")
