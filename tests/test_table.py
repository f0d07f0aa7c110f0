"""Models side by side: the same numbers in every format, those of the fits, and notes that warn where they must."""
import csv
import io
import re
import warnings
from html.parser import HTMLParser

import numpy as np
import pytest

import mlmlib as mlm
from models import data, fit

VOID = {"br", "img", "hr", "input", "meta", "link"}


class Strict(HTMLParser):
    """Complains about tags that are not closed in order, and collects the cells of table rows."""

    def __init__(self):
        super().__init__()
        self.open, self.rows, self.scopes = [], [], []

    def handle_starttag(self, tag, attrs):
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self.scopes.append((tag, dict(attrs).get("scope")))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-1:]}"
        self.open.pop()

    def handle_data(self, text):
        if self.open and self.open[-1] in ("td", "th"):
            self.rows[-1][-1] += text


def well_formed(html):
    parser = Strict()
    parser.feed(html)
    parser.close()
    assert not parser.open
    return parser


def ascii_signs(text):
    return text.replace("\u2212", "-").replace("R\u00b2", "R2")


@pytest.fixture(scope="module")
def three():
    return [mlm.ols("mathach ~ cses", data("hsb")), fit("hsb_rc_reml"), fit("hsb_iso_reml")]


@pytest.fixture(scope="module")
def table(three):
    return mlm.table(*three, names=["OLS", "Slopes vary", "Slopes as outcomes"])


def cells(table):
    return [[row.label, *(c.text if c else "" for c in row.cells)] for row in table.rows]


def test_numbers_are_those_of_the_fits(table, three):
    numbers = table.numbers.set_index(["key", "model"])
    for name, one in zip(table.models, three):
        for term in one.params.index:
            row = numbers.loc[(term, name)]
            assert row["estimate"] == one.params[term] and row["se"] == pytest.approx(one.bse[term])
            assert row["p"] == pytest.approx(one.pvalues[term]) and row["lower"] == pytest.approx(one.conf_int().loc[term, "lower"])
        for key in ("llf", "aic", "bic", "nobs", "n_params"):
            assert numbers.loc[(key, name), "estimate"] == getattr(one, key)
    last = table.models[-1]
    assert numbers.loc[("icc: school", last), "estimate"] == mlm.icc(three[2]).estimate
    assert numbers.loc[("r2 marginal", last), "estimate"] == pytest.approx(mlm.r2(three[2]).marginal)
    assert numbers.loc[("r2 conditional", last), "estimate"] == pytest.approx(mlm.r2(three[2]).conditional)
    assert numbers.loc[("r2", "OLS"), "estimate"] == three[0].rsquared
    assert numbers.loc[("criterion", last), "estimate"] == three[2].criterion
    sds = three[2].random_table(scale="sd").set_index("name")["estimate"]
    assert numbers.loc[("school: sd(cses)", last), "estimate"] == sds["sd(cses)"]
    assert numbers.loc[("school: corr(Intercept, cses)", last), "estimate"] == sds["corr(Intercept, cses)"]


def test_printed_cells_round_to_the_numbers(table):
    for row in table.rows:
        for cell in filter(None, row.cells):
            shown = cell.text.split(" ")[0].replace(",", "")
            places = len(shown.split(".")[1]) if "." in shown else 0
            assert abs(float(shown) - cell.estimate) <= 0.5 * 10 ** -places + 1e-9


def test_every_format_holds_the_same_cells(table, tmp_path):
    want = cells(table)
    parser = well_formed(table.to_html(tmp_path / "t.html"))
    assert [list(map(ascii_signs, [re.sub("\u2020", "", r[0]), *r[1:]])) for r in parser.rows if len(r) == 4][1:] == [
        [r[0].replace("\u2020", ""), *r[1:]] for r in want]
    assert ("th", "rowgroup") in parser.scopes and ("th", "row") in parser.scopes and ("th", "col") in parser.scopes
    assert (tmp_path / "t.html").read_text(encoding="utf-8") == table._repr_html_()

    lines = list(csv.reader(io.StringIO(table.to_csv())))
    assert lines[0] == ["section", "row", *table.models] and [line[1:] for line in lines[1:]] == want

    md = [[c.strip().replace("\\", "") for c in line.strip("|").split("|")] for line in table.to_markdown().splitlines() if line.startswith("|")]
    assert [list(map(ascii_signs, r)) for r in md[2:] if not r[0].startswith("*")] == want

    tex = [line.replace(r" \\", "") for line in table.to_latex().splitlines() if line.startswith(r"\quad")]
    plain = [[c.strip().replace(r"\quad ", "").replace(r"$\times$", "\u00d7").replace(r"$\dagger$", "\u2020").replace("$-$", "-")
              .replace("R$^2$", "R2").replace(r"\_", "_") for c in line.split("&")] for line in tex]
    assert plain == want

    text = ascii_signs(str(table))
    for row in want:
        line = next(line for line in text.splitlines() if line.strip().startswith(row[0]) and all(c in line for c in row[1:]))
        assert line


def test_word(table, tmp_path):
    docx = pytest.importorskip("docx")
    table.to_word(tmp_path / "t.docx")
    document = docx.Document(str(tmp_path / "t.docx"))
    (grid,) = document.tables
    rows = [[c.text for c in row.cells] for row in grid.rows]
    assert rows[0] == ["", *table.models]
    titles = {row.section for row in table.rows}
    assert [list(map(ascii_signs, r)) for r in rows[1:] if r[0] not in titles] == cells(table)
    assert document.paragraphs[0].text == table.caption
    assert "Standard errors in parentheses" in document.paragraphs[-1].text
    assert "tblHeader" in grid.rows[0]._tr.xml and "tcBorders" in grid.rows[-1]._tr.xml


def test_what_stands_beside_the_estimate(three):
    ci = mlm.table(three[2], show="ci").frame.loc[("Fixed part", "cses"), "Model 1"]
    low, high = three[2].conf_int().loc["cses"]
    assert ci == f"{three[2].params['cses']:.2f} [{low:.2f}, {high:.2f}]"
    p = mlm.table(fit("imm_hw_rs_reml"), show="p", stars=True).frame
    assert p.loc[("Fixed part", "homework"), "Model 1"].endswith(f"* ({fit('imm_hw_rs_reml').pvalues['homework']:.3f})".replace("0.", ".", 1))
    assert "(" not in p.loc[("Random part (schools)", "SD, intercept"), "Model 1"]
    variance = mlm.table(three[2], random="variance").numbers.set_index("key")["estimate"]
    assert variance["school: cov(Intercept, cses)"] == three[2].covariance_matrix().iloc[0, 1]
    assert "*" not in "".join(mlm.table(three[2]).frame["Model 1"])


def test_not_comparable_is_said(three):
    both = mlm.table(fit("hsb_null_reml"), fit("hsb_iso_reml"))
    assert "Not comparable" in both.notes[-1] and "AIC\u2020" in both.frame.index.get_level_values(1)
    same_fixed = mlm.table(mlm.lmm("mathach ~ cses + (1 | school)", data("hsb")), fit("hsb_rc_reml"))
    assert not any("Not comparable" in note for note in same_fixed.notes)
    ml = mlm.table(fit("hsb_null_ml"), fit("hsb_iso_ml"))
    assert not any("Not comparable" in note for note in ml.notes)
    refitted = mlm.table(fit("hsb_null_reml"), fit("hsb_iso_reml"), criteria="ml").numbers.set_index(["key", "model"])["estimate"]
    assert refitted["aic", "Model 2"] == pytest.approx(fit("hsb_iso_ml").aic, abs=1e-5)
    assert "REML and other fits" in " ".join(mlm.table(*three).notes)
    other = mlm.table(fit("hsb_null_ml"), mlm.lmm("mathach ~ 1 + (1 | school)", data("hsb").iloc[:5000], reml=False))
    assert any("different outcomes or rows" in note for note in other.notes)


def test_singular_fit_has_no_standard_errors():
    toy = {"y": [1, 2, 3, 4, 2, 3, 4, 6, 1, 2, 2, 3.0], "x": [1, 2, 3, 4] * 3, "g": list("abcdabcdbcda")}
    one = mlm.lmm("y ~ x + (1 | g)", toy)
    assert one.is_singular
    shown = mlm.table(one)
    row = next(r for r in shown.rows if r.key == "g: sd(Intercept)")
    assert row.cells[0].text == "0.00" and "singular" in " ".join(shown.notes)


def test_labels_and_wrong_arguments(three):
    shown = mlm.table(three[2], labels={"cses": "SES within school", "school": "high school"})
    assert ("Fixed part", "SES within school \u00d7 mean_ses") in shown.frame.index
    assert "Random part (high schools)" in shown.frame.index.get_level_values(0)
    for options in ({"show": "z"}, {"random": "corr"}, {"criteria": "aic"}, {"names": ["a", "b"]}):
        with pytest.raises(ValueError):
            mlm.table(three[2], **options)
    with pytest.raises(ValueError, match="one fit"):
        mlm.table()


def test_own_data_without_a_sheet():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        one = mlm.lmm("y ~ x + (1 | g)", {"y": np.arange(12.0) ** 1.3, "x": np.tile(np.arange(4.0), 3), "g": np.repeat(list("abc"), 4)})
        shown = mlm.table(one)
    assert ("Model", "Groups (g)") in shown.frame.index and shown.caption == "Linear mixed model of y"
