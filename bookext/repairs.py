"""Small repairs of the markup that the theme and the extensions write, for readers of the page by ear or by keyboard."""

from __future__ import annotations


def setup(app):
    """Connect."""
