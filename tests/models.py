"""Every model that tests need more than once, fitted once: `fit("hsb_rc_reml")`. The page of reference numbers uses the same."""

from mlmlib.published.sources import LMM, ORDERED, data, fit, folder, published, reference

REFERENCE = folder()

__all__ = ["LMM", "ORDERED", "REFERENCE", "data", "fit", "published", "reference"]
