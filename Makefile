# Two commands matter: `make claims` and `make test`. Both make the virtual environment first.

VENV ?= .venv
PYTHON ?= python3
PROFILE ?= quick
BIN := $(VENV)/bin

.PHONY: help claims test bench lint types api reports clean

help:
	@echo "make claims   try to refute every claim and kill every control (PROFILE=quick|default|thorough)"
	@echo "make test     the project's own tests"
	@echo "make bench    one table of ratios of speed, and one of replicates to a verdict"
	@echo "make lint     ruff;  make types   pyright"
	@echo "make api      the reference of every docstring, into build/api"
	@echo "make reports  recompute the published regime reports into reports/"

$(VENV)/.ready: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check torch -c constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]' -c constraints.txt
	touch $@

claims: $(VENV)/.ready
	$(BIN)/python -m pytest claims/ -n 2 --regimes-profile $(PROFILE)

test: $(VENV)/.ready
	$(BIN)/python -m pytest tests -n 2

bench: $(VENV)/.ready
	$(BIN)/python tests/decide/replicates.py
	$(BIN)/python -m pytest tests/benchmarks --benchmark-only -p no:xdist --benchmark-columns=median,rounds

lint: $(VENV)/.ready
	$(BIN)/ruff check src claims tests

types: $(VENV)/.ready
	$(BIN)/pyright --pythonpath $(BIN)/python

api: $(VENV)/.ready
	$(BIN)/python -m pdoc --math --no-show-source --docformat google --output-directory build/api regimes

reports: $(VENV)/.ready
	$(BIN)/regimes map --store reports/regimes.sqlite --workers 2
	$(BIN)/regimes calibrate --json > reports/calibration.json
	$(BIN)/regimes report --store reports/regimes.sqlite --calibration reports/calibration.json --out reports/html
	cp reports/html/figures/arpit2019benefits/he-norm-flat-band.png reports/flat-band.png

clean:
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache .hypothesis
