"""What pyproject.toml cannot say: `data/` is installed as `mlmlib/data`, tables and sheets without the scripts that made them.

`mlmlib.release` and `mlmlib.bench` build and measure the book and stay with it.
"""

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py


class Build(build_py):
    """Leaves out the modules of `data/`."""

    def find_package_modules(self, package, package_dir):
        return [] if package == "mlmlib.data" else super().find_package_modules(package, package_dir)


setup(
    packages=[*find_packages(include=["mlmlib*"], exclude=["mlmlib.release*", "mlmlib.bench*"]), "mlmlib.data"],
    package_dir={"mlmlib.data": "data"},
    cmdclass={"build_py": Build},
)
