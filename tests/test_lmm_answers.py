"""What linear mixed models answer beside their tables, and the searches that do not come to an end."""

import numpy as np
import pytest

import mlmlib as mlm
from bad_input import N, base
from mlmlib.lmm import model as lmm_model
from mlmlib.lmm import row_model
from mlmlib.lmm.block_layout import BlockLayout
from mlmlib.lmm.several_traces import traces


@pytest.fixture(scope="module")
def table():
    return base(size=1.0 + np.arange(N) % 3)


def test_scaled_residuals_are_in_each_row_s_own_deviations(table):
    plain, weighted = mlm.lmm("y ~ x + (1 | g)", table), mlm.lmm("y ~ x + (1 | g)", table, weights="size")
    np.testing.assert_allclose(plain.scaled_residuals, (table.y - plain.fittedvalues) / plain.sigma)
    np.testing.assert_allclose(weighted.scaled_residuals, (table.y - weighted.fittedvalues) * np.sqrt(table["size"]) / weighted.sigma)
    rows = mlm.lmm("y ~ x + (1 | g)", table, variance=mlm.by_group("f"))
    np.testing.assert_allclose(rows.scaled_residuals, (table.y - rows.fittedvalues) / rows.residual_sd)


def test_a_model_of_residuals_alone_has_no_factors(table):
    fit = mlm.gls("y ~ x", table, correlation=mlm.ar1("t", group="g"))
    assert len(fit.theta) == 0 and fit.refit() is fit
    mixed = mlm.lmm("y ~ x + (1 | g)", table, correlation=mlm.ar1("t"))
    assert mixed.theta[0] ** 2 * mixed.sigma**2 == pytest.approx(float(mixed.covariance_matrix().iloc[0, 0]), rel=1e-9)


def unended(search):
    """The search, cut off as if it had not come to its end."""
    from dataclasses import replace
    return lambda *arguments, **options: replace(search(*arguments, **options), converged=False, gradient_norm=0.5)


def test_a_search_without_an_end_is_told_of(monkeypatch, table):
    """In the messages and in the diagnosis; whether the rows come at once or in chunks."""
    monkeypatch.setattr(lmm_model, "minimize", unended(lmm_model.minimize))
    for data in (table, iter([table.iloc[:48], table.iloc[48:]])):
        fit = mlm.lmm("y ~ x + (1 | g)", data)
        assert not fit.converged and "The search did not converge: after" in " ".join(fit.messages) and "gradient is still 0.5" in " ".join(fit.messages)
    checks = mlm.diagnose(mlm.lmm("y ~ x + (1 | g)", table)).checks
    found = next(check for check in checks if check.name == "The fit converged inside the boundary")
    assert (found.verdict, found.found) == ("act", "not converged, gradient 0.5") and found.todo.startswith("Do not use these estimates")
    assert checks[-1].verdict == "not checked" and checks[-1].found == "no group can be left out"  # for none of their fits converged


def test_fitted_values_that_do_not_settle_are_told_of(monkeypatch, table):
    monkeypatch.setattr(row_model, "_TURNS", 2)
    fit = mlm.lmm("y ~ x + (1 | g)", table.assign(y=table.y + 20), variance=mlm.power_of("fitted(.)"))
    assert not fit.converged and "did not settle in 2 turns. Do not" in " ".join(fit.messages)
    monkeypatch.undo()
    assert mlm.lmm("y ~ x + (1 | g)", table.assign(y=table.y + 20), variance=mlm.power_of("fitted(.)")).converged


def test_blocks_of_many_sizes_are_padded_to_powers_of_two():
    """A block diagonal matrix of forty sizes: products, inverse and determinant are those of the dense one."""
    rng = np.random.default_rng(8)
    sizes = rng.permutation(np.arange(1, 41))
    label = np.repeat(np.arange(40), sizes)
    layout = BlockLayout(label, 40)
    assert all(s & (s - 1) == 0 for *_, s in layout.batches), "padded"
    n = len(label)
    dense = np.zeros((n, n))
    for j in range(40):
        A = rng.standard_normal((sizes[j], sizes[j] + 2))
        dense[np.ix_(label == j, label == j)] = A @ A.T + np.eye(sizes[j])
    buffer = np.zeros(layout.n_buffer)
    for block in layout.blocks(buffer):  # the identity where a block is padded
        block += np.eye(block.shape[1])
    row, column = np.nonzero(label[:, None] == label)
    buffer[layout.entry(row, column)] = dense[row, column]
    assert layout.invert(buffer) == pytest.approx(np.linalg.slogdet(dense)[1], rel=1e-12)
    below = layout.local[row] >= layout.local[column]  # what is held
    np.testing.assert_allclose(buffer[layout.entry(row, column)][below], np.linalg.inv(dense)[row, column][below], atol=1e-10)
    batch, place = layout.where(7)
    found = layout.complete(buffer)[batch][place][:sizes[7], :sizes[7]]
    np.testing.assert_allclose(found, np.linalg.inv(dense[np.ix_(label == 7, label == 7)]), atol=1e-10)


def test_one_block_that_is_not_positive_definite_is_refused():
    layout = BlockLayout(np.zeros(2, dtype=int), 2)
    with pytest.raises(np.linalg.LinAlgError):
        layout.invert(np.array([1.0, 2.0, 2.0, 1.0]))
    with pytest.raises(ValueError, match="component 1 is empty"):
        layout.where(1)


@pytest.mark.parametrize("count", [30, 1100])
def test_chunks_bring_groups_that_none_before_had(count):
    """The sums grow as groups come; text and numbers may both name them. The fit is that of all rows at once."""
    rng = np.random.default_rng(2)
    g = np.repeat(np.arange(count), 4)
    whole = {"x": rng.standard_normal(4 * count), "g": np.array([f"s{k}" for k in g])}
    whole["y"] = 1 + 0.4 * whole["x"] + rng.standard_normal(count)[g] + rng.standard_normal(4 * count)
    chunks = [{name: values[a:a + 40] for name, values in whole.items()} for a in range(0, 4 * count, 40)]
    fit, plain = mlm.lmm("y ~ x + (1 | g)", iter(chunks)), mlm.lmm("y ~ x + (1 | g)", whole)
    np.testing.assert_allclose(fit.params, plain.params, rtol=1e-7)
    assert fit.criterion == pytest.approx(plain.criterion, abs=1e-6) and fit.n_groups == {"g": count}


def test_chunks_that_name_groups_by_numbers_and_by_words(table):
    """Such labels have no order but that of their text."""
    chunks = [table.iloc[:48].assign(g=table.g.iloc[:48].map("s{}".format)), table.iloc[48:]]
    fit, plain = mlm.lmm("y ~ x + (1 | g)", iter(chunks)), mlm.lmm("y ~ x + (1 | g)", table)
    np.testing.assert_allclose(fit.params, plain.params, rtol=1e-8)
    assert fit.random_effects["g"].loc["s3", "Intercept"] == pytest.approx(plain.random_effects["g"].loc[3, "Intercept"], rel=1e-6)


def test_variances_follow_fitted_values_of_several_groups_a_row(table):
    """At the end the fitted values are those that the variances were given: as a column they give the same fit."""
    high = table.assign(y=table.y + 20.0)
    fit = mlm.lmm("y ~ x + (1 | mm(g, t))", high, variance=mlm.power_of("fitted(.)"))
    again = mlm.lmm("y ~ x + (1 | mm(g, t))", high.assign(fv=fit.fittedvalues), variance=mlm.power_of("fv"))
    assert fit.converged and again.criterion == pytest.approx(fit.criterion, abs=1e-6)
    np.testing.assert_allclose(again.params, fit.params, rtol=1e-6)


def test_chunks_of_more_effects_than_rows_and_none_complete(table):
    with pytest.raises(mlm.DataError, match="12 groups x 1 effects = 12 random effects for 12 rows"):
        mlm.lmm("y ~ x + (1 | g)", iter([table.iloc[::8]]))
    with pytest.raises(mlm.DataError, match="1 groups?|one group only"):
        mlm.lmm("y ~ x + (1 | g)", iter([table.iloc[:8]]))


def test_a_folder_without_parquet(tmp_path, table):
    (tmp_path / "rows.csv").write_text("y,x\n1,2\n")
    with pytest.raises(mlm.DataError, match="There is no Parquet file at .*pandas.read_csv"):
        mlm.lmm("y ~ x + (1 | g)", tmp_path)
    with pytest.raises(mlm.DataError, match="read the file first, as with pandas.read_csv"):
        mlm.lmm("y ~ x + (1 | g)", tmp_path / "rows.csv")
    table.drop(columns="x").to_parquet(tmp_path / "part.parquet")
    with pytest.raises(mlm.DataError, match="no column 'x' in the data; its columns are: y, g"):
        mlm.lmm("y ~ x + (1 | g)", tmp_path / "part.parquet")


@pytest.mark.parametrize("effect", ["one", "met"])
def test_the_information_of_crossed_factors_is_the_dense_one(table, effect):
    """tr(V^-1 dV V^-1 dV) / 2 of both variances, also where some groups meet no effect of the other factor at all (`met` is 0 there)."""
    few = table.assign(h=table.t.astype(int), met=np.where(table.g < 9, 1.0, 0.0))
    few["y"] += 1.5 * few[effect] * np.sin(5.0 * few.h)
    fit = mlm.lmm(f"y ~ x + (1 | g) + (0 + {effect} | h)", few, reml=False)
    G, H = (np.equal.outer(few[name].to_numpy(), few[name].unique()).astype(float) for name in ("g", "h"))
    H *= few[effect].to_numpy()[:, None]
    tau = [float(fit.covariance_matrix(name).iloc[0, 0]) for name in ("g", "h")]
    own = [G @ G.T, H @ H.T, np.eye(N)]
    Vi = np.linalg.inv(sum(v * D for v, D in zip([*tau, fit.sigma**2], own)))
    X = np.column_stack([np.ones(N), few.x])
    np.testing.assert_allclose(fit.cov_params(), np.linalg.inv(X.T @ Vi @ X), rtol=1e-6)
    expected = np.array([[np.trace(Vi @ a @ Vi @ b) / 2 for b in own[:2]] for a in own[:2]])
    at = fit._at
    T = traces(fit.model.criterion.elimination, at.parts, at.L).reshape(2, 2, 2, 2)
    scale = np.array([float(np.ravel(one)[0]) for one in fit.model.z_maps]) ** 2  # of the columns that the model works in
    found = np.array([[T[a, a, b, b] for b in range(2)] for a in range(2)]) / np.outer(scale, scale) / fit.sigma**4 / 2
    np.testing.assert_allclose(found, expected, rtol=1e-5)
