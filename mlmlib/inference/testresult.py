"""Where `TestResult` was before; `mlmlib.testresult` has it."""

from ..testresult import TestResult, p_text

__all__ = ["TestResult", "p_text"]
