# Two commands matter: `make book` and `make test`. Each makes its own environment first.
# Every verb is carried out by mlmlib/cli; without make, type `python -m mlmlib.cli VERB` instead.

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
  if $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then echo $$p; break; fi; done)
MLM = $(if $(PYTHON),$(PYTHON),$(error Python 3.11 or newer is needed)) -m mlmlib.cli

.PHONY: help book test lab serve exercises grade bench release slides setup lock versions links coverage clean
.DEFAULT_GOAL := help

help:
	@$(MLM) --help

book test lab serve exercises bench release slides setup lock versions links coverage clean:
	@$(MLM) $@ $(ARGS)

grade:
	@$(if $(SUBMISSIONS),,$(error say which folder: make grade SUBMISSIONS=dir))$(MLM) grade $(SUBMISSIONS) $(ARGS)
