# Canal's commands.  `make run` is all a newcomer needs; `make help` lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet --no-input
# The lock files are whole, so nothing has to be resolved; pip would compile on one core alone.
INSTALL := $(PIP) install --no-deps --no-compile --require-hashes
COMPILE := $(BIN)/python -m compileall -qq -j 0 $(VENV)/lib || true
FLASK := $(BIN)/flask --app app
PORT ?= 5000
TRIAL ?= $(CURDIR)/instance/trial
TRIAL_PORT ?= 5001
PO := $(wildcard app/translations/*/LC_MESSAGES/*.po)
MO := $(PO:.po=.mo)
TEST_WORKERS ?= 2
PYTEST := $(BIN)/pytest -n $(TEST_WORKERS)

# Containers like to set it; with it every process, of which there are many, compiles every module anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help run trial setup setup-dev test test-rooms test-both test-browser test-long system-packages check check-types check-rest bench bench-full translations lock clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

# `exec` hands the shell's place to the supervisor, so that a signal to make's group
# reaches it directly; a TERM to make alone is passed on by make itself.
run: setup ## set up everything, then serve web and worker with the demo company
	@CANAL_DEMO="$${CANAL_DEMO:-1}" PORT="$(PORT)" exec $(FLASK) serve

# Nothing of the real installation reaches it: neither its database nor its mail nor its address.
trial: setup ## a demo company beside yours, on port 5001, to try switching partner management on
	@unset CANAL_DATABASE_URL CANAL_MAIL_URL CANAL_PUBLIC_URL CANAL_SECRET_KEY CANAL_SECOND_FACTOR_ROLES; \
	export CANAL_DATA="$(TRIAL)" CANAL_DEMO=1 PORT="$(TRIAL_PORT)"; \
	if [ ! -e "$(TRIAL)/canal.db" ]; then echo "Loading the demo company …"; \
	$(FLASK) db upgrade && $(FLASK) demo load --before-partners > /dev/null || { rm -f "$(TRIAL)/canal.db"; exit 1; }; fi; \
	exec $(FLASK) serve

setup: $(VENV)/.runtime $(MO) ## the virtual environment with what Canal needs to run

setup-dev: $(VENV)/.dev $(MO) ## the same with everything for tests and checks

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Canal needs Python 3.11 or newer; name one with PYTHON=")'
	$(PYTHON) -m venv $(VENV)

# A venv that already holds the development set holds the runtime set too.
$(VENV)/.runtime: requirements.lock | $(BIN)/python
	$(INSTALL) -r requirements.lock
	@$(COMPILE)
	@touch $@

$(VENV)/.dev: requirements-dev.lock requirements.lock | $(BIN)/python
	$(INSTALL) -r requirements-dev.lock
	@$(COMPILE)
	@touch $(VENV)/.runtime $@

%.mo: %.po | $(VENV)/.runtime
	@$(BIN)/pybabel --quiet compile -i $< -o $@

system-packages:
	@tests/system-packages

test: test-rooms test-browser ## all tests but the long ones, on both databases (pages and API on SQLite) and in a browser

test-rooms: setup-dev system-packages ## all of them but those in a browser
	$(PYTEST) --dist loadgroup -m "not long and not browser"

test-both: setup-dev system-packages ## the same, pages and API on PostgreSQL too
	$(PYTEST) --dist loadgroup -m "not long and not browser" --pages-on-both

# Apart: the browser's event loop and the mail server's do not share a process.
test-browser: setup-dev system-packages ## the journeys and every page in a real browser
	$(PYTEST) --dist load --maxschedchunk 1 -m "browser and not long" tests/browser

test-long: setup-dev system-packages ## the invariants at their full figures
	$(PYTEST) --dist loadgroup -m "long and not browser" --pages-on-both
	$(PYTEST) --dist load --maxschedchunk 1 -m "long and browser" tests/browser

check: setup-dev ## format, lint, types, templates, architecture, dependencies, translations
	@$(MAKE) --no-print-directory -j 2 -O check-types check-rest

# The types take as long as all the rest.
check-types:
	$(BIN)/mypy

check-rest:
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/djlint --quiet --lint app/templates
	$(BIN)/lint-imports --no-cache
	$(BIN)/deptry --no-ansi app
	$(BIN)/python tests/check_translations.py

bench: setup-dev ## benchmarks at 10,000 and 100,000 leads, at most ten minutes
	$(BIN)/python -m bench

bench-full: setup-dev ## the benchmarks at their full sizes
	$(BIN)/python -m bench --full

translations: setup-dev ## bring the message catalogues up to date with the sources
	@pot=$$(mktemp); trap 'rm -f "$$pot"' EXIT; \
	$(BIN)/pybabel --quiet extract -F pyproject.toml -k _l -k _n:1,2 -k lazy_gettext -k lazy_ngettext:1,2 -k lazy_pgettext:1c,2 --no-location \
	  --sort-output --project Canal -o "$$pot" app; \
	for language in es ca; do \
	  $(BIN)/pybabel --quiet update --no-wrap --init-missing --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date \
	    -i "$$pot" -d app/translations -l $$language; \
	done

lock: setup-dev ## renew both lock files from pyproject.toml (needs uv)
	$(BIN)/python -m pip --disable-pip-version-check --quiet install uv
	$(BIN)/uv pip compile pyproject.toml $(LOCK) --extra postgres -o requirements.lock
	$(BIN)/uv pip compile pyproject.toml $(LOCK) --extra postgres --extra dev -c requirements.lock -o requirements-dev.lock
LOCK := --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
  --no-header --no-annotate

clean: ## remove what was set up, but not instance/, which holds data
	rm -rf $(VENV) .mypy_cache .ruff_cache .hypothesis .schemathesis test-results app/translations/*/LC_MESSAGES/*.mo
	find app tests bench migrations -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
