# Serai's menu. Run `make` alone to read it.
# Set-up leaves stamp files, so a second run installs nothing; change a lock file and the next run brings it up to date.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

PYTHON ?= $(shell tools/find-python)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input

RUN_STAMP := $(VENV)/.installed-run
DEV_STAMP := $(VENV)/.installed-dev

ASSET_BUILD := build/assets
VENDOR := src/serai/static/vendor
VENDOR_STAMP := $(VENDOR)/.complete
# Whole fonts, of which every PDF gets the letters that it uses.
PAPER_FONTS := inter/400Regular/Inter_400Regular.ttf inter/600SemiBold/Inter_600SemiBold.ttf \
    noto-sans-sc/400Regular/NotoSansSC_400Regular.ttf noto-sans-sc/600SemiBold/NotoSansSC_600SemiBold.ttf \
    noto-sans-tc/400Regular/NotoSansTC_400Regular.ttf noto-sans-tc/600SemiBold/NotoSansTC_600SemiBold.ttf \
    noto-sans-arabic/400Regular/NotoSansArabic_400Regular.ttf \
    noto-sans-hebrew/400Regular/NotoSansHebrew_400Regular.ttf noto-emoji/400Regular/NotoEmoji_400Regular.ttf

# An environment whose interpreter has gone (another machine, an upgraded system) is made afresh.
ifeq ($(shell [ -e $(BIN)/activate ] && ! $(BIN)/python -c '' >/dev/null 2>&1 && echo broken),broken)
$(shell rm -f $(BIN)/activate $(RUN_STAMP) $(DEV_STAMP))
endif

# Two workers for two cores; a file of tests stays on one of them, with what it has started.
PYTEST_ARGS ?= -n 2 --dist loadfile
LINTED := src tests $(wildcard bench) $(wildcard tools/*.py)

.PHONY: help up install dev assets messages test check lint types contracts tidy format bench lock \
    test-system clean distclean

help: ## Print this menu
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

up: install ## Set everything up and run Serai (UP_ARGS="--port 9000 ...")
	@exec $(BIN)/serai up $(UP_ARGS)

test: dev test-system check ## Run every check and the whole test suite (PYTEST_ARGS=...)
	$(BIN)/pytest $(PYTEST_ARGS)

check: lint types contracts ## Run the checks of the house: lint, types, import contracts

bench: dev ## Measure Serai against itself (BENCH=name for one)
	$(BIN)/serai bench $(BENCH)

lint: $(DEV_STAMP) ## Check style with ruff
	$(BIN)/ruff check $(LINTED)
	$(BIN)/ruff format --check $(LINTED)

types: $(DEV_STAMP) ## Check types with mypy
	$(BIN)/mypy

contracts: $(DEV_STAMP) ## Prove who may import whom
	$(BIN)/lint-imports

tidy: $(DEV_STAMP) ## Run only the rules of the house that tests check
	$(BIN)/pytest tests/tidy -q

format: $(DEV_STAMP) ## Let ruff fix and format the code
	$(BIN)/ruff check --fix $(LINTED)
	$(BIN)/ruff format $(LINTED)

install: $(RUN_STAMP) assets ## Set up what running needs
dev: $(DEV_STAMP) assets ## Set up what working on Serai needs

assets: $(VENDOR_STAMP) ## Bring the front-end files into the static folder

test-system: ## Bring what the tests need from the system (browser, font, PostgreSQL programs)
	@tools/install-test-system

$(BIN)/activate:
	@python="$(PYTHON)"; test -n "$$python"; \
	    echo "Making a virtual environment with $$python"; \
	    "$$python" -m venv --clear $(VENV)

# The package is installed without build isolation, from what the lock holds: nothing unpinned is downloaded.
$(RUN_STAMP): requirements.lock pyproject.toml | $(BIN)/activate
	@echo "Installing Python packages (a minute the first time)"
	@$(PIP) install -qq --require-hashes -r requirements.lock
	@$(PIP) install -qq --no-deps --no-build-isolation -e .
	@touch $@

$(DEV_STAMP): requirements-dev.lock $(RUN_STAMP)
	@echo "Installing the packages for development"
	@$(PIP) install -qq --require-hashes -r requirements-dev.lock
	@touch $@

$(VENDOR_STAMP): package.json package-lock.json
	@node -e 'process.exit(parseInt(process.versions.node, 10) < 20 ? 1 : 0)' 2>/dev/null \
	    || { echo "Node.js 20 or newer and npm are needed for the front-end files" \
	        "(found: $$(node --version 2>/dev/null || echo none))." >&2; exit 1; }
	@echo "Bringing the front-end files"
	@rm -rf $(ASSET_BUILD) $(VENDOR)
	@mkdir -p $(ASSET_BUILD) $(VENDOR)
	@cp package.json package-lock.json .npmrc $(ASSET_BUILD)/
	@cd $(ASSET_BUILD) && npm ci --ignore-scripts --silent
	@cp $(ASSET_BUILD)/node_modules/htmx.org/dist/htmx.min.js $(VENDOR)/htmx.min.js
	@cp $(ASSET_BUILD)/node_modules/htmx.org/LICENSE $(VENDOR)/htmx.LICENSE
	@cp $(ASSET_BUILD)/node_modules/uplot/dist/uPlot.iife.min.js $(VENDOR)/uplot.min.js
	@cp $(ASSET_BUILD)/node_modules/uplot/dist/uPlot.min.css $(VENDOR)/uplot.min.css
	@cp $(ASSET_BUILD)/node_modules/uplot/LICENSE $(VENDOR)/uplot.LICENSE
	@cp $(ASSET_BUILD)/node_modules/@fontsource-variable/inter/files/inter-latin-wght-normal.woff2 $(VENDOR)/inter.woff2
	@cp $(ASSET_BUILD)/node_modules/@fontsource-variable/inter/LICENSE $(VENDOR)/inter.LICENSE
	@mkdir -p $(VENDOR)/paper
	@for font in $(PAPER_FONTS); do \
	    cp $(ASSET_BUILD)/node_modules/@expo-google-fonts/$$font $(VENDOR)/paper/; done
	@cp $(ASSET_BUILD)/node_modules/@expo-google-fonts/inter/LICENSE_FONT $(VENDOR)/paper/LICENSE
	@if [ -x $(BIN)/python ]; then $(BIN)/python tools/cut_fonts.py >/dev/null || echo "(papers will be slower)"; fi
	@touch $@

messages: $(DEV_STAMP) ## Collect the texts to translate into the catalogues
	@$(BIN)/python tools/collect_messages.py

COMPILE := $(BIN)/uv pip compile --universal --python-version 3.11 --fork-strategy fewest --generate-hashes \
    --no-annotate --no-header --no-emit-index-url --no-emit-find-links --quiet pyproject.toml --extra demo --group build

lock: $(DEV_STAMP) ## Pin the dependencies again (LOCK_ARGS="--upgrade" or "--upgrade-package NAME")
	$(COMPILE) $(LOCK_ARGS) --output-file requirements.lock
	$(COMPILE) $(LOCK_ARGS) --group dev --constraint requirements.lock --output-file requirements-dev.lock
	npm install --package-lock-only --ignore-scripts --silent

clean: ## Remove what builds and checks left; keeps the environment and the shop's data
	rm -rf build dist $(VENDOR) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

distclean: clean ## Also remove the virtual environment
	rm -rf $(VENV)
