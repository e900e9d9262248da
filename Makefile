# Two commands on a fresh machine with Python 3.11 to 3.13 and git:
#   make book    build the book into _build/html/index.html
#   make test    test the package and run the notebooks' small cases
.DEFAULT_GOAL := help
.PHONY: help book student test browser check lab sync lock bench pdf clean distclean

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
BROWSER := .venv-browser
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
  if $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null; \
  then echo $$p; break; fi; done)
# One thread per process: notebooks and LAMMPS bring their own parallelism.
export OMP_NUM_THREADS ?= 1
export PIP_DISABLE_PIP_VERSION_CHECK = 1
export MPLBACKEND = agg

help:  ## list the commands
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

# A changed lock makes a new environment: packages that left the lock must not linger.
$(STAMP): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "make: found no Python 3.11, 3.12 or 3.13; install one, or say 'make PYTHON=/path/to/python3.11 ...'" >&2; exit 1; }
	@echo "Installing the locked environment into $(VENV) (about 4 GB; five minutes)"
	@if [ "$$(cat $(VENV)/.lock 2>/dev/null)" != "$$(cksum < requirements.lock)" ]; then \
	  $(PYTHON) -m venv --clear $(VENV) && \
	  $(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock && \
	  cksum < requirements.lock > $(VENV)/.lock; fi
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@mkdir -p $(VENV)/share/jupyter/lab/settings
	@echo '{"@jupyterlab/docmanager-extension:plugin": {"defaultViewers": {"python": "Jupytext Notebook"}}}' \
	  > $(VENV)/share/jupyter/lab/settings/overrides.json
	@touch $@

book: $(STAMP)  ## run the notebooks that need it and build the book
	@$(BIN)/repro book

student: $(STAMP)  ## write the book without solutions into _build/student
	@$(BIN)/repro student --out _build/student

test: $(STAMP)  ## run the tests, live runs included
	@$(BIN)/repro sync --check
	@$(BIN)/repro verify
	@$(BIN)/python -m pytest -q

$(BROWSER)/.installed: tests/browser/requirements.lock
	@test -n "$(PYTHON)" || { echo "make: found no Python 3.11, 3.12 or 3.13; install one, or say 'make PYTHON=/path/to/python3.11 ...'" >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(BROWSER)
	@$(BROWSER)/bin/python -m pip install --quiet --require-hashes --no-deps -r $<
	@touch $@

# They know nothing of the book's own environment: tests/conftest.py is left out.
browser: $(BROWSER)/.installed  ## try the built book in Chromium (Debian's chromium and chromium-driver)
	@$(BROWSER)/bin/python -m pytest -c tests/browser/pytest.ini --rootdir tests/browser \
	  --confcutdir tests/browser -q -n 2 tests/browser

check: $(STAMP)  ## lint, format and types
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy

lab: $(STAMP)  ## open JupyterLab; the scripts in notebooks/ open as notebooks
	@$(BIN)/jupyter lab --ServerApp.root_dir="$(CURDIR)" --LabApp.default_url=/lab/tree/notebooks

sync: $(STAMP)  ## write each notebooks/*.ipynb from its script
	@$(BIN)/repro sync

bench: $(STAMP)  ## measure the benchmarks into data/evidence, on a machine that does nothing else
	@$(BIN)/python -m benchmarks

pdf: book  ## print the built book with Chromium into _build/soft-clay.pdf
	@$(BIN)/python -m repro.pdf

lock: $(STAMP)  ## solve the lock and environment.yml anew from pyproject.toml
	@$(BIN)/python tools/lock.py

clean:  ## remove everything built; the environment stays
	rm -rf _build

distclean: clean  ## remove the environments too
	rm -rf $(VENV) $(BROWSER)
