"""Figures: each draws, returns its Axes, says what the data show, and reads on the page in light and in dark."""

import io
import re

import numpy as np
import pandas as pd
import pytest

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

import mlmlib as mlm  # noqa: E402
from mlmlib import plots  # noqa: E402
from mlmlib.plots import svg, theme  # noqa: E402

NULL, SLOPES = "math ~ 1 + (1 | schid)", "math ~ schtype * homework + (1 + homework | schid)"


@pytest.fixture(scope="module")
def math():
    return mlm.load("math")


@pytest.fixture(scope="module")
def null(math):
    return mlm.lmm(NULL, math, reml=False)


@pytest.fixture(scope="module")
def slopes(math):
    return mlm.lmm(SLOPES, math, reml=False)


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


def _draw(figure):
    """The SVG, rendered as a notebook does."""
    out = io.StringIO()
    np.ravel(figure)[0].figure.savefig(out, format="svg", metadata={"Date": None})
    return out.getvalue()


@pytest.mark.filterwarnings("ignore:More than 20 figures")
def test_every_figure_draws_and_says_what_it_shows(math, null, slopes):
    rng = np.random.default_rng(1)
    draws = rng.normal(size=200)
    margins = mlm.ols("math ~ schtype * homework", math).margins("schtype", at={"homework": [1, 3, 5]})
    made = {
        "scatter": plots.scatter(math, "homework", "math", groups="schid", show=[6327, 72991]),
        "spaghetti": plots.spaghetti(math, "homework", "math", "schid", show=[6327]),
        "small_multiples": plots.small_multiples(math, "homework", "math", "schid", show=[6327, 72991]),
        "pooling": plots.pooling(slopes, show=[6327, 72991]),
        "group_means": plots.group_means(math, "math", "schid", show=[6327]),
        "caterpillar": plots.caterpillar(null, total=True),
        "shrinkage": plots.shrinkage(null),
        "shrinkage_pairs": plots.shrinkage_pairs(slopes, show=[6327]),
        "random_effects": plots.random_effects(slopes),
        "fitted_lines": plots.fitted_lines(slopes, by="schtype", show=[6327]),
        "fitted_lines, groups": plots.fitted_lines(slopes, "homework", band="groups", points=True),
        "variance": plots.variance(slopes),
        "origin": plots.origin(slopes),
        "plausible_ranges": plots.plausible_ranges({"A": null, "B": slopes}),
        "variance_shares": plots.variance_shares({"A": null}),
        "qq": plots.qq(null),
        "qq of effects": plots.qq(null, "Intercept"),
        "residuals": plots.residuals(slopes),
        "sampling": plots.sampling({"OLS": draws, "mixed": draws / 2}, true=0),
        "intervals": plots.intervals(draws, draws - 1.5, draws + 1.5, 0),
        "type1_error": plots.type1_error((5, 20)),
        "design_effect": plots.design_effect(),
        "margins": plots.margins(margins),
    }
    for name, axes in made.items():
        first = np.ravel(axes)[0]
        assert isinstance(first, plt.Axes), name
        assert first.alt_text == plots.alt(axes) and len(first.alt_text) > 40 and "nan" not in first.alt_text, name
        assert "<svg" in _draw(axes), name


def test_alternative_texts_hold_the_data_s_numbers(math, null, slopes):
    text = plots.alt(plots.scatter(math, "homework", "math", groups="schid", show=[6327, 72991]))
    assert "schid 6327: 8 points, mean 57.4, own slope \u22128.57" in text and "519 points" in text
    assert "6467 with n = 5, goes from 56.6 to 54.3" in plots.alt(plots.shrinkage(null))
    assert "least (15) at 1.59" in plots.alt(plots.variance(slopes))


def test_shrinkage_writes_the_reliability(null):
    ax = plots.shrinkage(null, show=[6467, 62821])
    written = [t.get_text() for t in ax.texts]
    tau2, sigma2 = float(null.covariance_matrix().iloc[0, 0]), null.sigma**2
    for n in (5, 67):
        assert f"{tau2 / (tau2 + sigma2 / n):.2f}" in written


def test_pictures_that_need_a_slope_say_so(null):
    with pytest.raises(ValueError, match="random slope"):
        plots.variance(null)
    with pytest.raises(ValueError, match="two of them"):
        plots.random_effects(null)


def test_words_have_contrast_on_white():
    def luminance(color):
        rgb = np.array(matplotlib.colors.to_rgb(color))
        return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]

    for name in ("DATA", "POOLED", "UNPOOLED", "PARTIAL", "SECOND", "MISS", "SKY", "INK", "SOFT"):
        assert 1.05 / (luminance(plots.text_color(name)) + 0.05) >= 4.5, name
    assert plots.text_color("#E69F00") == plots.text_color("POOLED")


def test_inlined_figures_take_the_page_s_colors(null):
    drawing = _draw(plots.shrinkage(null))
    page = svg.inline(drawing, 'a "quoted" text', "f3")
    assert page.startswith("<svg") and 'role="img"' in page and 'aria-label="a &quot;quoted&quot; text"' in page
    assert (
        "currentColor" in page
        and "var(--mlm-partial, #D55E00)" in page
        and "<style" not in page
        and "<metadata" not in page
    )
    assert (
        theme.INK not in page
        and theme.PAPER not in page
        and all(i.startswith("f3-") for i in re.findall(r' id="([^"]+)"', page))
    )
    used = set(re.findall(r'(?:url\(#|xlink:href="#)([^")]+)', page))
    assert used <= set(re.findall(r' id="([^"]+)"', page))


def test_thousands_of_points_become_a_bitmap():
    x = np.arange(5000.0)
    drawing = _draw(plots.scatter(pd.DataFrame({"x": x, "y": x % 7}), "x", "y"))
    assert "<image" in drawing and len(drawing) < 200_000


def test_labels_are_pushed_apart_as_little_as_needed():
    assert theme.spread([0, 0.1, 5], 1).tolist() == pytest.approx([-0.45, 0.55, 5])
    assert theme.spread([3, 1], 1).tolist() == [3, 1]


def test_figures_do_not_depend_on_the_session_s_style(null):
    with plt.rc_context({"axes.spines.top": True, "figure.facecolor": "white"}):
        ax = plots.caterpillar(null)
    assert not ax.spines["top"].get_visible() and ax.figure.get_facecolor() == matplotlib.colors.to_rgba(theme.PAPER)
