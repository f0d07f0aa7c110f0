"""Several outcomes of the same units as one model: rows of unit and outcome, stacked.

Chapter 15 (``15_multivariate``) builds the stacked table by hand.
"""
