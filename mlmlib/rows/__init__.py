"""Covariance of the residuals: correlation between the rows of a group, and variances that differ between rows.

The residuals of one group are ``e ~ N(0, sigma^2 G C G)``, G the diagonal matrix of relative standard deviations (what
``variance=`` asks for) and C a correlation matrix (``correlation=``).  Every structure gives one thing: the rows of
[Z X y] multiplied by the inverse Cholesky factor of G C G, and the log-determinant.  In those rows the residuals are
independent with equal variance, and the criterion of `mlmlib.lmm` is the ordinary one.

Chapter 14 (``14_growth_shapes``) chooses between them.
"""
