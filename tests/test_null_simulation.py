"""The mixtures of chi-squares hold under the null: the stored study (tests/null_simulation.py), and a slice of it drawn again."""

import json

import numpy as np
import pytest

from null_simulation import AGAIN, DESIGNS, STORED, statistics

KNOWN = json.loads(STORED.read_text(encoding="utf-8"))
MANY = [name for name, design in DESIGNS.items() if design[4] >= 1000]


def test_every_design_is_stored():
    assert list(KNOWN) == list(DESIGNS) and all(entry["n"] >= 3000 for entry in KNOWN.values())


@pytest.mark.parametrize("name", DESIGNS)
def test_a_slice_is_drawn_again(name):
    weights, found = statistics(name, AGAIN)
    assert np.allclose(found, KNOWN[name]["first"], atol=2e-6)
    assert np.allclose(list(weights.values()), list(KNOWN[name]["weights"].values()), atol=1e-4)


@pytest.mark.parametrize("name", MANY)
def test_p_values_are_uniform_where_they_are_small(name):
    """Within 3.5 standard errors of the study."""
    entry = KNOWN[name]
    for level, share in entry["below"].items():
        p = float(level)
        assert abs(share - p) < 3.5 * np.sqrt(p * (1 - p) / entry["n"]), level


@pytest.mark.parametrize("name", MANY)
def test_the_statistic_is_zero_as_often_as_the_mixture_says(name):
    """Variances are estimated as zero a little more often than in the limit: by less than 1 in sqrt(groups)."""
    entry = KNOWN[name]
    zero = entry["weights"].get("0", 0.0)
    excess = entry["zero"] - zero
    error = np.sqrt(max(zero * (1 - zero), 1e-6) / entry["n"])
    assert -3.5 * error < excess < 3.5 * error + 1 / np.sqrt(DESIGNS[name][4])


def test_with_few_groups_the_mixture_is_on_the_safe_side():
    entry = KNOWN["100 groups only"]
    assert all(share < float(level) for level, share in entry["below"].items()) and entry["zero"] > entry["weights"]["0"]
