"""The data sets live in `data/` and are installed as `mlmlib/data`; everything else is said in pyproject.toml."""

from setuptools import find_packages, setup

setup(packages=[*find_packages(include=["mlmlib*"]), "mlmlib.data"], package_dir={"mlmlib.data": "data"})
