"""What `make bench` runs: the same models by mlmlib and by other programs, in one run and in turn, and how time grows.

`programs` starts the others, `compare` times them, `growth` measures mlmlib alone from 10,000 to 10 million rows, `page` makes
the book's page out of the results file. Nothing here is imported by the library.
"""
