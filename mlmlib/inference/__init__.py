"""Tests, intervals and margins, one concept a file."""
