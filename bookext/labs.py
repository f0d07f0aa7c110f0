"""Labs and self-checks stand on the site as plain HTML: kernels that run the chapters are told so.

A Jupyter widget made during the build would leave its state in the notebook, and the page would then load a widget manager
from another machine.
"""

from __future__ import annotations

import os


def setup(app):
    """Before any kernel starts."""
    os.environ["MLMLIB_STATIC"] = "1"
