"""`python -m mlmlib.cli VERB`, for before `mlm` is installed."""

import sys

from mlmlib.cli import main

sys.exit(main())
