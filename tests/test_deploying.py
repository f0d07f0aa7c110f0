"""What the page on deploying says can be done: commands parse, files for Binder are there and travel with the notebooks."""

from __future__ import annotations

import re
import subprocess
import tomllib
from urllib.parse import parse_qs, urlsplit

import pytest

import mlmlib
from mlmlib.cli import parser
from mlmlib.release import archives
from toc import ROOT

PAGE = (ROOT / "backmatter" / "deploying.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```\n(.*?)^```$", PAGE, re.S | re.M)
LINKS = ["".join(line.strip() for line in block.splitlines()) for block in BLOCKS if block.startswith("https://")]


def test_commands_of_the_page_are_those_of_the_library():
    said = [line for line in re.findall(r"`?(mlm (?:exercises|grade|release)[^`\n]*)", PAGE) if "`" not in line]
    assert len(said) >= 4
    for line in said:
        parser().parse_args(line.split()[1:])


def test_links_open_a_chapter_that_exists():
    assert [urlsplit(link).netloc for link in LINKS] == ["HUB", "mybinder.org", "colab.research.google.com"]
    hub, binder, colab = LINKS
    asked = {**parse_qs(urlsplit(hub).query), "binder": parse_qs(urlsplit(binder).query)["urlpath"]}
    assert asked["repo"] == ["https://HOST/YOU/COURSE"] and asked["branch"] == ["main"]
    assert asked["urlpath"][0].startswith("lab/tree/COURSE/chapters/") and asked["urlpath"][0].endswith("?autodecode")
    for address in (asked["urlpath"][0].removesuffix("?autodecode"), asked["binder"][0], colab):
        assert (ROOT / "chapters" / address.rpartition("/")[2]).is_file()


def test_binder_installs_the_lock_and_the_library_on_a_python_that_it_allows():
    requirements = (ROOT / "binder" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    (line,) = [line for line in requirements if not line.startswith("#")]
    assert (ROOT / "binder" / line.removeprefix("-r ")).resolve() == ROOT / "requirements.lock"
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["requires-python"]
    version = (ROOT / "binder" / "runtime.txt").read_text(encoding="utf-8").strip().removeprefix("python-")
    assert tuple(map(int, version.split("."))) >= tuple(map(int, needed.removeprefix(">=").split(".")))
    script = ROOT / "binder" / "postBuild"
    assert script.read_text(encoding="utf-8").startswith("#!/bin/bash\n") and "set -e\n" in script.read_text(encoding="utf-8")
    assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0


@pytest.mark.parametrize("name", ["runtime.txt", "requirements.txt", "postBuild"])
def test_files_for_binder_travel_with_the_notebooks(tmp_path, name):
    held = archives.notebook_files(ROOT, tmp_path, "n", mlmlib.__version__)
    assert held[f"n/binder/{name}"] == ROOT / "binder" / name
    assert "n/requirements.lock" in held and "n/setup.py" in held
