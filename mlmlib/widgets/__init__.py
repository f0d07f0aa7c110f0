"""Interactive pieces of the book: labs and self-checks. One ES module each (``js/``), and its Python face here."""
