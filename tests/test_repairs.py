"""Small repairs of the built pages."""

import pytest

from bookext.repairs import REPAIRS, styles_once


def repaired(text):
    for pattern, right in REPAIRS:
        text = pattern.sub(right, text)
    return text


@pytest.mark.parametrize(
    ("computed", "shown"),
    [
        ("38%", "38\u00a0%"),
        ("4.2%", "4.2\u00a0%"),
        ("-4%", "\u22124\u00a0%"),
        ("-0.78", "\u22120.78"),
        ("5e-09", "5e-09"),
        ("-x", "-x"),
        ("12.3", "12.3"),
    ],
)
def test_a_computed_number_reads_like_a_typed_one(computed, shown):
    inline = '<p>in <span class="output text_plain">{}</span> of them</p>'
    assert repaired(inline.format(computed)) == inline.format(shown)


def test_printed_tables_and_code_stay_as_they_are():
    printed = '<div class="output text_plain highlight"><pre>95% low -0.78</pre></div>'
    assert repaired(printed) == printed


def test_a_style_sheet_stands_once():
    one, two = "<style>a{b:c}</style>", "<style>d{e:f}</style>"
    assert styles_once(f"{one}x{two}y{one}z{two}") == f"{one}x{two}yz"
