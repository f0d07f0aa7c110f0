"""Every value of the Stata workshop on math (reference/stata_math.toml), each a test of its own.

The extraction and the rule are mlmlib.published's, which the page of reference numbers shows.
"""

import numpy as np
import pytest

import mlmlib as mlm
from mlmlib.published.stata_workshop import check, fit, rows, values
from models import data

COUNTED = {"digits": 248, "short": 71, "stopped": 40}


@pytest.mark.parametrize("name, path, printed", [pytest.param(*item, id=f"{item[0]}-{'-'.join(map(str, item[1]))}")
                                                 for item in values()])
def test_value(name, path, printed):
    row = check(name, path, printed)
    assert row.stands, f"{row.ours!r} where {printed} is published"


def test_every_published_value_is_counted():
    """352 numbers and 7 names of null distributions; 40 of the fixed part hold only where Stata stopped."""
    found = [row.verdict for row in rows()]
    assert len(found) == 359 and {key: found.count(key) for key in COUNTED} == COUNTED


def test_ml_standard_errors_are_those_of_n():
    ols, ml = mlm.ols("math ~ schtype", data("math")), fit("ml-schtype")
    assert np.allclose(ml.bse / ols.bse, np.sqrt(517 / 519))
