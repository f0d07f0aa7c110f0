"""Chapters are run two at a time; what stands in the way of that, and of hearing about a failure, is mended here.

Written for Sphinx 7.4, which the lock holds. Where Sphinx no longer has these parts, nothing is changed.
"""

from __future__ import annotations

import sphinx.builders
from sphinx.errors import SphinxParallelError
from sphinx.util.parallel import ParallelTasks
from sphinx_proof.domain import ProofDomain


class Tasks(ParallelTasks):
    """Sphinx's own, except that an error in a worker stops the build.

    Sphinx swallows one that arrives while tasks are still being handed out: pages would be missing and the build would go on.
    """

    failure: SphinxParallelError | None = None

    def _join_one(self) -> bool:
        try:
            return super()._join_one()
        except SphinxParallelError as error:
            self.failure = error
            raise

    def terminate(self) -> None:
        """Stop the workers; one whose result was just taken is no longer in the books."""
        for task in list(self._precvs):
            self._procs[task].terminate()
            self._result_funcs.pop(task, None)
            self._procs.pop(task)
            self._precvs.pop(task)
            self._pworking -= 1
        self._precvsWaiting.clear()

    def join(self) -> None:
        """Wait for all; then say what went wrong."""
        if self.failure is None:
            super().join()
        if self.failure is not None:
            raise self.failure


def one_page_each(pages, nproc, maxbatch=10):
    """Sphinx hands out pages in alphabetical blocks, which would give one worker all the chapters."""
    return [[page] for page in pages]


def declare_safe(app, *_):
    """sphinx-multitoc-numbering only edits titles after reading; it just does not say that it may run in parallel."""
    if "sphinx_multitoc_numbering" in app.extensions:
        app.extensions["sphinx_multitoc_numbering"].parallel_read_safe = True


def setup(app):
    """Connect."""
    if hasattr(sphinx.builders, "ParallelTasks") and hasattr(sphinx.builders, "make_chunks"):
        sphinx.builders.ParallelTasks = Tasks
        sphinx.builders.make_chunks = one_page_each
    # sphinx-proof merges its list of theorems by an event of its own, and leaves Sphinx's duty undefined
    ProofDomain.merge_domaindata = lambda self, docnames, otherdata: None
    app.connect("env-before-read-docs", declare_safe)
