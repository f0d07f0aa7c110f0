"""What each page is told about itself: the version in the footer."""

from __future__ import annotations

from importlib.metadata import version


def add_footer(app, config):
    """The version of the library that made the numbers on the page."""
    config.html_theme_options["extra_footer"] = f"Built with mlmlib {version('mlmlib')}. Code MIT, text CC BY 4.0."


def setup(app):
    """Connect."""
    app.connect("config-inited", add_footer)
