"""Known mistakes about design effects, effective sample sizes, reliabilities, shrunken means."""

from __future__ import annotations

from math import sqrt

from .entry import Entry


def _shrunk(between, within, n, mean, grand):
    """A group's mean, moved toward the average as the model does."""
    weight = between / (between + within / n)
    return weight * mean + (1 - weight) * grand


ANSWERS = {
    "design effect": lambda icc, n: 1 + (n - 1) * icc,
    "root design effect": lambda icc, n: sqrt(1 + (n - 1) * icc),
    "effective n": lambda icc, n, J: n * J / (1 + (n - 1) * icc),
    "reliability": lambda between, within, n: between / (between + within / n),
    "group mean": lambda grand, deviation: grand + deviation,
    "shrunken mean": _shrunk,
}

MISTAKES = [
    Entry(
        ("design effect",),
        "n for n - 1",
        "{value} is 1 + n ICC. One of the n is the student itself: take n - 1.",
        lambda icc, n: 1 + n * icc,
    ),
    Entry(
        ("design effect",),
        "one left out",
        "{value} is (n - 1) ICC. The student itself counts too: add 1.",
        lambda icc, n: (n - 1) * icc,
    ),
    Entry(
        ("design effect",),
        "root design effect",
        "{value} is the root, by which standard errors grow. The design effect is on variances.",
        lambda icc, n: sqrt(1 + (n - 1) * icc),
    ),
    Entry(
        ("design effect",),
        "J for n",
        "{value} puts the number of groups where the number of rows in a group belongs.",
        lambda icc, J: 1 + (J - 1) * icc,
    ),
    Entry(
        ("design effect",),
        "N for n",
        "{value} puts all rows where the rows of one group belong.",
        lambda icc, n, J: 1 + (n * J - 1) * icc,
    ),
    Entry(
        ("design effect",),
        "inverse",
        "{value} is one over the design effect: the share of rows that is left.",
        lambda right: 1 / right,
    ),
    Entry(
        ("root design effect",),
        "design effect",
        "{value} is the design effect, on variances. Standard errors grow by its root.",
        lambda right: right**2,
    ),
    Entry(
        ("root design effect",),
        "n for n - 1",
        "{value} uses n in place of n - 1.",
        lambda icc, n: sqrt(1 + n * icc),
    ),
    Entry(
        ("effective n",),
        "n for effective n",
        "{value} is the number of rows there are; the question is what they are worth.",
        lambda n, J: n * J,
    ),
    Entry(
        ("effective n",),
        "J for effective n",
        "{value} is the number of groups. That would be right at an ICC of one.",
        lambda J: J,
    ),
    Entry(
        ("effective n",),
        "one group",
        "{value} is what one group is worth. There are more of them.",
        lambda icc, n: n / (1 + (n - 1) * icc),
    ),
    Entry(
        ("effective n",),
        "root design effect",
        "{value} divides by the root of the design effect. Sample sizes go with variances: divide by the design "
        "effect.",
        lambda icc, n, J: n * J / sqrt(1 + (n - 1) * icc),
    ),
    Entry(
        ("effective n",),
        "n for n - 1",
        "{value} divides by 1 + n ICC. One of the n is the student itself: take n - 1.",
        lambda icc, n, J: n * J / (1 + n * icc),
    ),
    Entry(
        ("effective n",),
        "multiplied",
        "{value} multiplies by the design effect. Clustered rows are worth less, so divide.",
        lambda icc, n, J: n * J * (1 + (n - 1) * icc),
    ),
    Entry(
        ("effective n",),
        "times 1 - ICC",
        "{value} takes the ICC off as a share. What a group costs grows with its size.",
        lambda icc, n, J: n * J * (1 - icc),
    ),
    Entry(
        ("reliability",),
        "ICC for reliability",
        "{value} is the ICC, the reliability of a single student. A mean of n is more reliable: sigma^2 is "
        "divided by n.",
        lambda between, within: between / (between + within),
    ),
    Entry(
        ("reliability",),
        "the other share",
        "{value} is one minus the reliability: how far the mean is moved.",
        lambda right: 1 - right,
    ),
    Entry(
        ("reliability",),
        "N for n",
        "{value} divides sigma^2 by all rows; the mean of this group has only its own.",
        lambda between, within, N: between / (between + within / N),
    ),
    Entry(
        ("reliability",),
        "J for n",
        "{value} divides sigma^2 by the number of groups, not by the rows in the group.",
        lambda between, within, J: between / (between + within / J),
    ),
    Entry(
        ("reliability",),
        "SDs for variances",
        "{value} comes from SDs. Shares are made of variances.",
        lambda between, within, n: sqrt(between) / (sqrt(between) + sqrt(within / n)),
    ),
    Entry(
        ("group mean",),
        "raw for shrunken",
        "{value} is the raw mean of the group. The model moves it toward the average.",
        lambda raw_mean: raw_mean,
    ),
    Entry(
        ("group mean",),
        "deviation",
        "{value} is the group's deviation from the average; add the average.",
        lambda deviation: deviation,
    ),
    Entry(
        ("group mean",),
        "average",
        "{value} is the average of all groups.",
        lambda grand: grand,
    ),
    Entry(
        ("group mean",),
        "weights exchanged",
        "{value} gives the group's own mean the weight of the average, and the other way round.",
        lambda raw_mean, grand, right: raw_mean + grand - right,
    ),
    Entry(
        ("shrunken mean",),
        "raw for shrunken",
        "{value} is the raw mean of the group. The model moves it toward the average.",
        lambda mean: mean,
    ),
    Entry(
        ("shrunken mean",),
        "weights exchanged",
        "{value} gives the group's own mean the weight of the average, and the other way round.",
        lambda mean, grand, right: mean + grand - right,
    ),
    Entry(
        ("shrunken mean",),
        "ICC for reliability",
        "{value} uses the ICC as weight. The mean of n students is more reliable than one of them.",
        lambda between, within, mean, grand: grand + between / (between + within) * (mean - grand),
    ),
    Entry(
        ("shrunken mean",),
        "halfway",
        "{value} is halfway between the two. How far to go depends on n, tau_00 and sigma^2.",
        lambda mean, grand: (mean + grand) / 2,
    ),
]
