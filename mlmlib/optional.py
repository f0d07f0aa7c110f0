"""Packages that only some functions need: one clear error names the package, and the extra that installs it."""

from __future__ import annotations

from contextlib import contextmanager

__all__ = ["PACKAGES", "needs"]

#: What is imported: (its name on the shelf, the extra of mlmlib that has it; "" for what a plain install brings).
PACKAGES = {
    "pandas": ("pandas", ""),
    "statsmodels": ("statsmodels", ""),
    "matplotlib": ("matplotlib", "plots"),
    "joblib": ("joblib", "parallel"),
    "tqdm": ("tqdm", "parallel"),
    "docx": ("python-docx", "word"),
    "anywidget": ("anywidget", "labs"),
    "ipywidgets": ("ipywidgets", "labs"),
    "dask": ("dask", "scale"),
    "pyarrow": ("pyarrow", "scale"),
    "nbformat": ("nbformat", "exercises"),
    "yaml": ("pyyaml", "exercises"),
    "psutil": ("psutil", "exercises"),
    "otter": ("otter-grader", "exercises"),
}


@contextmanager
def needs(what: str):
    """Turn a missing package into an ImportError that says who needs it and how to install it.

    >>> with needs("mlm.plots"):
    ...     raise ModuleNotFoundError("No module named 'matplotlib'", name="matplotlib.pyplot")
    Traceback (most recent call last):
    ModuleNotFoundError: mlm.plots needs the package matplotlib, which is not installed: pip install "mlmlib[plots]"
    """
    try:
        yield
    except ModuleNotFoundError as error:
        root = (error.name or "").partition(".")[0]
        if root not in PACKAGES:
            raise
        package, extra = PACKAGES[root]
        install = f'"mlmlib[{extra}]"' if extra else package
        raise ModuleNotFoundError(f"{what} needs the package {package}, which is not installed: pip install {install}",
                                  name=root) from None
