"""What the marks of figures say: where lines and bars stand against the numbers they are of, words, and refusals."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

import mlmlib as mlm  # noqa: E402
from mlmlib import plots  # noqa: E402
from mlmlib.plots import theme  # noqa: E402
from mlmlib.plots.diagnostics import _bins  # noqa: E402
from mlmlib.plots.group_line import group_line  # noqa: E402

P = mlm.power


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(11)
    g = np.repeat(np.arange(1, 16), 8)
    x = rng.normal(size=120).round(2)
    u = rng.normal(size=(15, 2)) * (1.0, 0.6)
    y = 2 + u[g - 1, 0] + (0.5 + u[g - 1, 1]) * x + 0.5 * rng.normal(size=120)
    kind = np.tile(["a", "b", "c", "d"], 30)
    return pd.DataFrame({"g": g, "x": x, "y": y, "kind": kind, "w": (g > 7) * 1.0, "hit": (y > 2) * 1.0,
                         "h": np.where(g > 7, 2, 1)})


@pytest.fixture(scope="module")
def null(table):
    return mlm.lmm("y ~ x + (1 | g)", table)


@pytest.fixture(scope="module")
def slopes(table):
    return mlm.lmm("y ~ x + (1 + x | g)", table)


@pytest.fixture(scope="module")
def binary(table):
    return mlm.glmm("hit ~ x + (1 | g)", table)


@pytest.fixture(scope="module")
def spoken(table):
    return mlm.lmm("y ~ x * kind + (1 | g)", table)


@pytest.mark.parametrize("draw, said", [
    (lambda f: plots.conditional_curves(f["multinomial"], "x"), "one mean; that of categories has a probability"),
    (lambda f: plots.conditional_curves(f["null"]), "both averages are the same line"),
    (lambda f: plots.conditional_curves(f["binary"], band="fixed"), "band='fixed' must be 'average' or 'typical'"),
    (lambda f: plots.qq(f["null"], band="wide"), "band='wide' must be True, False, 'pointwise' or 'simulated'"),
    (lambda f: plots.qq([1.0, 2.0]), "There are 2 values to draw"),
    (lambda f: plots.qq([1.0, 2.0, 4.0], band="simulated"), "A simulated band needs a fit of mlm.lmm"),
    (lambda f: plots.scatter(f["table"].assign(x=1.0), "x", "y"), "'x' is the same in all rows.*line=False"),
    (lambda f: plots.spaghetti(f["table"], "w", "y", "g"), "'w' varies within none of the groups of 'g'"),
    (lambda f: plots.caterpillar(f["binary"], scale="odds"), "scale='odds' must be 'link' or 'response'"),
    (lambda f: plots.caterpillar(f["null"], scale="response"), "for the intercepts of a GLMM whose outcome has one mean"),
    (lambda f: plots.caterpillar(f["null"], "x"), "There is no random effect 'x' of g; choose effect= from 'Intercept'"),
    (lambda f: plots.caterpillar(f["null"], group="h"), "There is no grouping factor 'h'; the model has 'g'"),
    (lambda f: plots.random_effects(f["slopes"], "x", "z"), "this picture needs two of them"),
    (lambda f: plots.fitted_lines(f["kinds"]), "no numeric predictor to draw lines along: say which column"),
    (lambda f: plots.fitted_lines(f["null"], "w"), "w does not vary within groups of g: there are no lines along it"),
    (lambda f: plots.sampling({"a": [np.nan]}), "at least one finite estimate"),
    (lambda f: plots.means(mlm.emmeans(f["spoken"], "kind"), compare=True, ax=plt.subplots()[1]), "three to six means"),
    (lambda f: plots.power_curves({}), "There is no plan in the dict"),
    (lambda f: plots.power_curves({"a": f["plan"]}, by="icc"), "by= is for one plan; a dict of plans has a line for each"),
    (lambda f: plots.variance(f["crossed"], "w"), "No slope of w varies between groups.*variance_shares"),
])
def test_pictures_say_what_they_cannot_draw(table, null, slopes, binary, spoken, draw, said):
    have = {"table": table, "null": null, "slopes": slopes, "binary": binary, "spoken": spoken}
    if "multinomial" in draw.__code__.co_consts:
        have["multinomial"] = mlm.glmm("kind ~ x + (1 | h)", table, family="multinomial")
    if "kinds" in draw.__code__.co_consts:
        have["kinds"] = mlm.lmm("y ~ kind + (1 | g)", table)
    if "crossed" in draw.__code__.co_consts:
        have["crossed"] = mlm.lmm("y ~ x + (1 | g) + (1 | kind)", table)
    if "plan" in draw.__code__.co_consts:
        have["plan"] = P.cluster_randomized(0.3, icc=0.1, groups=20, n=10)
    with pytest.raises(ValueError, match=said):
        draw(have)


def test_a_scatter_without_its_line_has_points_alone(table):
    ax = plots.scatter(table, "x", "y", line=False)
    assert len(ax.lines) == 1 and len(ax.lines[0].get_xdata()) == 120 and "slope" not in plots.alt(ax)
    flat = table.assign(x=np.where(table["g"] == 3, 1.0, table["x"]))
    ax = plots.scatter(flat, "x", "y", groups="g", show=[3, 4])
    said = plots.alt(ax)  # group 3 has points and no line; group 4 both
    assert "g 4: 8 points" in said and "g 3" not in said and len(ax.lines) == 1 + 1 + 2 + 1


def test_group_lines_leave_out_groups_without_one(table):
    flat = table.assign(x=np.where(table["g"] == 3, 1.0, table["x"]))
    ax = plots.spaghetti(flat, "x", "y", "g", average=False)
    assert len(ax.lines) == 14 and "pooled" not in plots.alt(ax) and plots.alt(ax).startswith("14 lines of y on x")
    axes = plots.small_multiples(flat, "x", "y", "g", show=[3, 4])
    assert [len(ax.lines) for ax in axes] == [2, 3]  # points and the pooled line; its own line too
    assert "g 3: n 8." in plots.alt(axes) and "g 4: n 8, own slope" in plots.alt(axes)


def test_panels_left_over_are_taken_away(table):
    axes = plots.small_multiples(table, "x", "y", "g", show=[1, 2, 3, 4, 5], columns=3)
    assert len(axes) == 5 and len(axes[0].figure.axes) == 5
    assert all(label.get_visible() for label in axes[2].get_xticklabels())  # the panel below it is gone


def test_a_model_s_line_of_an_outer_group_is_its_prediction(table):
    """Predictors that are not drawn stand at the group's means, also where the factor is no factor of the model."""
    fit = mlm.lmm("y ~ x + w + (1 | g)", table)
    axes = plots.small_multiples(table, "x", "y", "h", show=[1], fit=fit)
    part = table[table["h"] == 1]
    drawn = axes[0].lines[-1]
    ends = np.array([table["x"].min(), table["x"].max()])
    rows = pd.DataFrame({"x": ends, "w": part["w"].mean(), "g": part["g"].iloc[0], "y": part["y"].mean()})
    assert drawn.get_ydata() == pytest.approx(fit.predict(rows).to_numpy())


def test_a_line_of_a_group_needs_the_columns_of_its_slopes(table):
    fit = mlm.lmm("y ~ x + (1 + np.exp(x) | g) + (1 | kind)", table)
    with pytest.raises(ValueError, match=r"The slope of np.exp\(x\) varies between groups of g, and is no column"):
        group_line(fit, table.iloc[:2], "g", 1)


def test_bins_hold_equal_counts_or_the_values_themselves():
    x = np.repeat([1.0, 2.0, 5.0], 20)
    center, height, se = _bins(x, x ** 2)
    assert center.tolist() == [1, 2, 5] and height.tolist() == [1, 4, 25] and np.allclose(se, 0)
    center, height, _ = _bins(np.arange(60.0), np.arange(60.0))
    assert center.tolist() == [5.5, 17.5, 29.5, 41.5, 53.5] and height == pytest.approx(center)


def test_a_q_q_plot_without_a_band_draws_none(null):
    ax = plots.qq(null, band=False)
    assert len(ax.collections) == 0 and len(ax.lines) == 2
    assert len(plots.qq(null).collections) == 1
    z, values = ax.lines[1].get_data()
    assert values == pytest.approx(np.sort(null.resid)) and z[0] == pytest.approx(-z[-1])


def test_effects_of_groups_on_the_scale_of_the_outcome(binary):
    ax = plots.caterpillar(binary, scale="response")
    drawn = ax.lines[-1].get_ydata()
    eta = binary.params["Intercept"] + np.sort(binary.random_effects["g"]["Intercept"])
    assert drawn == pytest.approx(1 / (1 + np.exp(-eta))) and ax.get_ylabel() == "expected hit of the group"


def test_two_effects_against_each_other(slopes):
    ax = plots.random_effects(slopes, total=False, ellipse=False, show=[3])
    effects = slopes.random_effects["g"]
    assert ax.lines[0].get_xdata() == pytest.approx(effects["Intercept"])
    assert ax.lines[0].get_ydata() == pytest.approx(effects["x"])
    assert len(ax.lines) == 2 and [text.get_text() for text in ax.texts] == ["3"] and "ellipse" not in plots.alt(ax)
    whole = plots.random_effects(slopes, "x", "Intercept")
    center = whole.lines[1].get_xydata()[0]
    assert center == pytest.approx(slopes.params[["x", "Intercept"]]) and "ellipse" in plots.alt(whole)
    arrows = plots.shrinkage_pairs(slopes, ellipse=False)
    assert len(arrows.lines) == 3 and len(plots.shrinkage_pairs(slopes).lines) == 4


def test_the_ellipse_holds_its_share(slopes):
    """Points of the ellipse have the distance that chi-squared with two degrees of freedom gives."""
    from scipy.stats import chi2
    drawn = plots.random_effects(slopes, total=False).lines[-1].get_xydata()
    T = slopes.covariance_matrix("g").to_numpy()
    assert np.einsum("ij,jk,ik->i", drawn, np.linalg.inv(T), drawn) == pytest.approx(chi2.ppf(0.95, 2))


def test_margins_of_categories_stand_side_by_side(spoken):
    margins = spoken.margins("kind", at={"x": [0, 1]})
    ax = plots.margins(margins, "kind")
    assert [label.get_text() for label in ax.get_xticklabels()] == ["a", "b", "c", "d"] and ax.get_xlabel() == "kind"
    dots = [line.get_ydata() for line in ax.lines]
    drawn = margins.table
    assert len(dots) == 2 and dots[0] == pytest.approx(drawn[drawn["x"] == 0]["margin"])
    two = plots.margins(spoken.margins(["kind", "w"], at={"x": [0, 1]}) if "w" in spoken.params else margins, "x")
    assert len(two.lines) == 8 and plots.alt(two).count(" at 0 to ") == 4  # a line and dots for each of four kinds
    many = plots.margins(spoken.margins(at={"x": list(np.linspace(-1, 1, 12))}))
    assert len(many.get_xticks()) < 12 and len(many.lines) == 2
    with pytest.raises(mlm.DataError, match="what mlm.margins returns; it was given a value of type float"):
        plots.margins(3.0)


def test_sampling_distributions_tell_their_means():
    axes = plots.sampling({"a": np.arange(50.0), "b": np.arange(50.0) + 10, "c": np.full(50, 7.0) + np.arange(50) / 50},
                          title="three")
    assert len(axes) == 3 and axes[0].get_title(loc="left") == "three" and "true value" not in plots.alt(axes)
    assert sum(bar.get_height() for bar in axes[0].patches) == pytest.approx(50, abs=1)
    one = plots.sampling(np.arange(50.0), true=20)
    assert "mean 24.5, SD 14.6" in plots.alt(one) and one.lines[0].get_xdata()[0] == 20


def test_error_rates_of_simulations_are_points_on_the_curve():
    rates = pd.DataFrame({"icc": [0.0, 0.1, 0.2], "rate": [0.05, 0.2, 0.3], "se": [0.01, 0.01, 0.01]})
    ax = plots.type1_error(20, simulated=rates)
    (points,) = ax.containers
    assert points.lines[0].get_xydata().tolist() == [[0.0, 0.05], [0.1, 0.2], [0.2, 0.3]]
    assert points.has_yerr and "simulated: 5% at 0.00, 20% at 0.10, 30% at 0.20" in plots.alt(ax)
    named = pd.concat([rates.assign(name="OLS"), rates.assign(name="mixed")]).drop(columns="se")
    ax = plots.type1_error((5, 20), icc=np.linspace(0, 0.3, 4), simulated=named)
    assert len(ax.containers) == 2 and not ax.containers[0].has_yerr and len(ax.lines[0].get_xdata()) == 4
    found = ax.lines[1].get_ydata()  # z / root(1 + (n - 1) icc) is what the test compares
    from scipy.stats import norm
    assert found == pytest.approx(2 * norm.sf(norm.ppf(0.975) / np.sqrt(1 + 19 * np.linspace(0, 0.3, 4))))


def test_average_lines_with_and_without_a_band(slopes, table):
    ax = plots.fitted_lines(slopes, band=None, title="lines")
    assert len(ax.collections) == 0 and ax.get_title(loc="left") == "lines" and "band" not in plots.alt(ax)
    grid, mean = ax.lines[-1].get_data()
    assert mean == pytest.approx(slopes.params["Intercept"] + slopes.params["x"] * grid)
    one = table[(table["g"] != 3) | (table["x"] == table[table["g"] == 3]["x"].iloc[0])]
    fit = mlm.lmm("y ~ x + (1 | g)", one)  # a group of one row has a point and no slope
    said = plots.alt(plots.fitted_lines(fit))
    slope = plots.theme.number(fit.params["x"])
    assert f"for 15 groups (g); their slopes run from {slope} to {slope}" in said


def test_rows_that_the_fit_left_out_are_not_drawn(table):
    gaps = table.assign(x=table["x"].where(table.index > 9))
    ax = plots.fitted_lines(mlm.lmm("y ~ x + (1 | g)", gaps), points=True)
    assert len(ax.lines[0].get_xdata()) == 110


def test_power_drawn_without_a_target_and_for_several_sizes():
    plan = P.cluster_randomized(0.3, icc=0.15, groups=40, n=20)
    ax = plots.power_curves(plan, "groups", [20, 40, 80], target=None)
    assert len(ax.lines) == 1 and ax.lines[0].get_ydata()[1] == pytest.approx(plan.power) and "reaching" not in plots.alt(ax)
    ax = plots.power_curves(plan, "n", by="groups", by_values=[20, 40])
    assert len(ax.lines) == 3 and {t.get_text() for t in ax.texts} == {"groups 20", "groups 40"}
    first, second = (line.get_xdata() for line in ax.lines[1:])
    assert first.tolist() == second.tolist() and ax.get_xlabel() == "units a group"
    found = P.budget(10_000, cost_group=80, cost_unit=1, icc=0, effect=0.1)  # the optimum without rounding is infinite
    ax = plots.budget(found)
    assert "optimum without rounding" not in plots.alt(ax) and len(ax.lines) == 3
    assert ax.lines[-1].get_xydata()[0].tolist() == pytest.approx([found.n, found.power])


def test_variances_of_models_beside_each_other(null, slopes, table):
    axes = plots.plausible_ranges({"A": null, "B": slopes}, title="ranges", labels={"x": "slope"})
    assert axes[0].figure.get_suptitle() == "ranges" and axes[1].get_xlabel() == "slope"
    low, high = axes[1].lines[0].get_xdata()  # x varies in B alone
    sd = np.sqrt(slopes.covariance_matrix("g").loc["x", "x"])
    assert (high - low) / 2 == pytest.approx(1.959964 * sd, rel=1e-6) and len(axes[1].lines) == 2
    axes = plots.origin(slopes, span=(-1, 1), title="origins")
    T = slopes.covariance_matrix("g").to_numpy()
    assert axes[0].figure.get_suptitle() == "origins"
    assert axes[0].lines[0].get_ydata()[[0, -1]] == pytest.approx(T[0, 0] + T[1, 1] + np.array([-2, 2]) * T[0, 1])
    crossed = mlm.lmm("y ~ x + (1 | g) + (1 | kind)", table)
    ax = plots.variance_shares({"both": crossed}, group="g")
    assert len(ax.patches) == 2 and "ICC" in plots.alt(ax)
    assert ax.patches[0].get_width() == pytest.approx(crossed.covariance_matrix("g").iloc[0, 0])
    both = mlm.lmm("y ~ x + (1 + x | g) + (1 | kind)", table)
    ax = plots.variance(both)
    top = ax.lines[-1].get_ydata()
    x = np.linspace(table["x"].min(), table["x"].max(), 200)
    G = both.covariance_matrix("g").to_numpy()
    assert top == pytest.approx(both.sigma**2 + both.covariance_matrix("kind").iloc[0, 0]
                                + G[0, 0] + 2 * G[0, 1] * x + G[1, 1] * x**2)
    assert plots.variance(both, "x").lines[-1].get_ydata() == pytest.approx(top)


def test_survival_without_its_band_and_of_too_many_groups():
    rng = np.random.default_rng(2)
    people = pd.DataFrame({"id": np.arange(300), "time": rng.integers(1, 5, 300), "event": rng.integers(0, 2, 300),
                           "by": np.arange(300) % 9})
    plain = mlm.life_table(people, id="id", time="time", event="event")
    axes = plots.survival(plain, band=False)
    assert len(axes[1].collections) == 0 and axes[1].get_ylabel() == "survivor function"
    assert len(plots.survival(plain)[1].collections) == 1
    survivor = axes[1].lines[0].get_ydata()
    assert survivor == pytest.approx(np.concatenate([[1.0], np.cumprod(1 - axes[0].lines[0].get_ydata())]))
    with pytest.raises(mlm.DataError, match="by has 9 groups; .* can be told apart"):
        plots.survival(mlm.life_table(people, id="id", time="time", event="event", by="by"))
    with pytest.raises(mlm.DataError, match="kind='left' is not one of the competing events: there is one kind only"):
        plots.survival(plain, kind="left")
    with pytest.raises(mlm.DataError, match=r"the model is of one event \(family='binomial'\)"):
        plots.survival(plain, SimpleNamespace(density=SimpleNamespace(K=2)))


def test_titles_stand_over_figures_of_several_panels(null, slopes, table):
    boot = null.bootstrap(n=20, progress=False)
    profile = mlm.lmm("y ~ x + (1 | g)", table, reml=False).profile(["x", "sigma"])
    for axes in (boot.plot(title="words"), profile.plot_zeta(title="words"), profile.plot_density(title="words"),
                 profile.plot_pairs(title="words"), plots.linearity(null, "x", title="words"),
                 plots.diagnosis(mlm.diagnose(null), title="words")):
        assert np.ravel(axes)[0].figure.get_suptitle() == "words"


def test_the_look_of_a_session_is_the_book_s():
    before = matplotlib.rcParams.copy()
    try:
        matplotlib.rcParams["lines.linewidth"] = 9.0
        plots.style()
        numbers = {name: value for name, value in theme.RC.items() if isinstance(value, (int, float))}
        assert matplotlib.rcParams["lines.linewidth"] != 9.0 and len(numbers) > 5
        assert {name: matplotlib.rcParams[name] for name in numbers} == numbers
    finally:
        matplotlib.rcParams.update(before)
    ax = theme.finish(theme.new(), "said")
    assert ax.get_title(loc="left") == ax.get_xlabel() == "" and plots.alt(ax) == "said"
