"""Pictures of models with several grouping factors and with structures of the residuals."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

import mlmlib as mlm
from structured_models import membership, tables


@pytest.fixture(scope="module")
def data():
    return tables()


@pytest.fixture(scope="module")
def three(data):
    return mlm.lmm("math ~ year + (1 + year | schoolid/childid)", data["growth"])


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_shares_of_three_levels_and_of_one_factor(three):
    ax = mlm.plots.variance_shares({"a": three})
    widths = [patch.get_width() for patch in ax.patches]
    school, child = (three.covariance_matrix(g).iloc[0, 0] for g in three.n_groups)
    assert widths == pytest.approx([child, school, three.sigma**2])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["between childid", "between schoolid", "within"]
    assert f"{school / sum(widths):.0%}" in [text.get_text() for text in ax.texts]
    one = mlm.plots.variance_shares({"a": three}, group="schoolid")
    assert [patch.get_width() for patch in one.patches] == pytest.approx([school, three.sigma**2])


def test_variance_in_layers(three):
    ax = mlm.plots.variance(three)
    top = ax.lines[-1].get_xydata()
    at = top[0, 0]
    z = np.array([1.0, at])
    whole = three.sigma**2 + sum(z @ three.covariance_matrix(g).to_numpy() @ z for g in three.n_groups)
    assert top[0, 1] == pytest.approx(whole)
    assert mlm.plots.variance(three, group="schoolid").lines[0].get_ydata()[0] < whole


@pytest.mark.parametrize("group", ["schoolid", "schoolid:childid"])
def test_pictures_of_each_factor(three, group):
    show = list(three.random_effects[group].index[:3])
    mlm.plots.caterpillar(three, group=group)
    mlm.plots.random_effects(three, group=group)
    mlm.plots.shrinkage(three, group=group, show=show)
    ax = mlm.plots.fitted_lines(three, "year", group=group)
    assert len(ax.lines) == three.n_groups[group] + 1
    mlm.plots.pooling(three, "year", group=group, show=show)


def test_a_school_s_line_is_that_of_an_average_child(three):
    ax = mlm.plots.fitted_lines(three, "year", group="schoolid")
    key = three.random_effects["schoolid"].index[0]
    u = three.random_effects["schoolid"].loc[key]
    x, y = ax.lines[0].get_xydata()[0]
    assert y == pytest.approx(three.params["Intercept"] + u["Intercept"] + (three.params["year"] + u["year"]) * x)


def test_a_child_s_line_is_in_its_school(three):
    ax = mlm.plots.fitted_lines(three, "year", group="schoolid:childid")
    key = np.asarray(three.groups["schoolid:childid"])
    first = sorted(set(key))[0]
    row = int(np.flatnonzero(key == first)[0])
    x, y = ax.lines[0].get_xydata()[0]
    effects = [three.random_effects[g].loc[np.asarray(three.groups[g])[row]] for g in three.n_groups]
    assert y == pytest.approx(three.params["Intercept"] + sum(e["Intercept"] for e in effects)
                              + (three.params["year"] + sum(e["year"] for e in effects)) * x)


def test_own_estimates_leave_out_the_other_factor(data):
    from mlmlib.plots.effects import unpooled_effects

    fit = mlm.lmm("diameter ~ 1 + (1 | plate) + (1 | sample)", data["penicillin"])
    own = unpooled_effects(fit, "plate")["Intercept"]
    mean = data["penicillin"].groupby("plate")["diameter"].mean() - fit.params["Intercept"]
    assert own.to_numpy() == pytest.approx(mean.to_numpy() - fit.random_effects["sample"]["Intercept"].mean())


def test_unequal_residual_variances_have_no_one_within_part(data):
    fit = mlm.lmm("Reaction ~ Days + (1 + Days | Subject)", data["sleep"], variance=mlm.by_group("half"))
    for draw in (mlm.plots.variance, mlm.plots.variance_shares):
        with pytest.raises(ValueError, match="residual variance differs between rows"):
            draw(fit)
    mlm.plots.caterpillar(fit)
    mlm.plots.fitted_lines(fit)


def test_correlated_residuals(data):
    fit = mlm.lmm("Reaction ~ Days + (1 | Subject)", data["sleep"], correlation=mlm.ar1("Days"))
    for draw in (mlm.plots.caterpillar, mlm.plots.shrinkage, mlm.plots.fitted_lines, mlm.plots.variance_shares):
        draw(fit)
    alone = mlm.gls("Reaction ~ Days", data["sleep"], correlation=mlm.ar1("Days", group="Subject"))
    with pytest.raises(ValueError, match="no random effects"):
        mlm.plots.caterpillar(alone)


def test_membership_has_no_group_of_its_own():
    fit = mlm.lmm("y ~ x + (1 | mm(s1, s2, weights=(w1, w2)))", membership())
    mlm.plots.caterpillar(fit)
    mlm.plots.variance_shares(fit)
    for draw in (mlm.plots.shrinkage, mlm.plots.fitted_lines, mlm.plots.pooling):
        with pytest.raises(ValueError, match="several groups"):
            draw(fit)


def test_the_factor_must_be_one_of_the_model(three):
    with pytest.raises(ValueError, match="say which with group="):
        mlm.plots.caterpillar(three)
    with pytest.raises(ValueError, match="no grouping factor 'childid'"):
        mlm.plots.caterpillar(three, group="childid")
