"""What a lab copies as Python opens the same lab: the text is run, and its state is the page's."""

import pytest

import mlmlib as mlm
from lab_actions import OneLab
from mlmlib.widgets import labs

pytestmark = pytest.mark.browser

#: Labs opened with arguments, which the copied call has to repeat.
ASKED = {
    "confounded_schools": {"rho": -0.3, "tau": 0.85, "share": 0.25, "J": 12, "n": 8, "seed": 3, "studies": 20},
    "coverage": {"studies": 3, "J": 10},
    "forking_paths": {"seed": 9, "chosen": [10, 1], "facts": 11, "looks": 33, "worlds": 3},
    "influence": {"school": 54344, "out": [6467], "sizes": {62821: 40}},
    "likelihood_surface": {"surface": "hsb", "method": "simplex"},
    "origin_of_time": {"study": "sleepstudy", "origin": 9, "curved": True},
    "piecewise": {"study": "rats", "shape": "jump", "knots": [20, 43], "at": 1, "worlds": 4},
    "power_planner": {"level": "student", "effect": 0.3, "alpha": 0.1, "J": 12, "n": 24, "budget": 9000, "snap": True},
    "quadrature": {"group": "herd_small", "tau": 1.5, "nodes": 4, "method": "prior"},
    "residual_memory": {"tau00": 0.4, "tau11": 0.05, "phi": -0.2, "m": 5},
    "shrinkage": {"school": 6327, "mode": "none", "sizes": {7472: 5}, "edits": [(6327, 2, -4.5)]},
    "two_averages": {"study": "ohio", "tau": 1.5, "show": "person", "person": 0.5},
    "variance_partition": {"what": "rate", "out": "none", "child_rate": 0.02, "m": 8},
    "variance_test": {"tau2": 0.1, "studies": 20},
    "working_correlation": {"truth": "mixed", "rho": 0.4, "corr": "ar1", "predictor": "dropout", "J": 9, "m": 4, "t": True},
}


def rounded(value):
    """Numbers to the seven digits that surely survive being copied; a list of nothing is empty."""
    if isinstance(value, list):
        kept = [rounded(v) for v in value]
        return kept if any(v not in (None, 0) for v in kept) else []
    return float(f"{value:.7g}") if isinstance(value, float) else value


@pytest.mark.parametrize("name", labs.__all__)
@pytest.mark.parametrize("asked", [False, True])
def test_the_copied_call_opens_the_lab_as_it_is(browser, tmp_path, name, asked):
    page = OneLab(browser, tmp_path, getattr(mlm.labs, name)(**(ASKED.get(name, {}) if asked else {})))
    for _ in range(2):
        copied = eval(page.js("lab.python()"), {"mlm": mlm})
        for key, value in page.state.items():
            assert rounded(getattr(copied, key)) == rounded(value) or name == "shrinkage" and key in ("tau2", "sigma2")
        page.page.locator(".handle, input[type=range]").first.focus()
        for press in ("ArrowUp", "ArrowRight", "ArrowUp", "ArrowLeft"):
            page.page.keyboard.press(press)
        page.settle()
    page.finish()
