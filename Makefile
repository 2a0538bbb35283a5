# One door to every command. `make` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help
.PHONY: help setup toolchain lab-up up verify preview down lab-down clean test test-fast test-lab check format bench constraints

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Where the lab's stand-in for the internet answers.
INTERNET := 203.0.113.10

help: ## list these targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/.installed: requirements.txt requirements-dev.txt constraints.txt pyproject.toml
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "== Python's venv module is missing: installing python3-venv"; apt-get update -qq; apt-get install -y -qq python3-venv; }
	echo "== Python packages into $(VENV)"
	[ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@

setup: $(VENV)/.installed toolchain ## the Python packages and the Pulumi toolchain

toolchain:
	@toolchain/setup

lab-up: setup ## start the two-host lab
	@lab/up

up: lab-up ## the whole scenario on the lab: hosts, `pulumi up` of stack dev, the proof
	@echo "== pulumi up of stack dev"
	lab/exec pulumi up --stack dev --yes --skip-preview
	echo "== proof: expected beside observed"
	lab/exec $(BIN)/ipvlan --stack dev verify --internet $(INTERNET)

verify: ## prove the matrix against the lab's hosts again
	@lab/exec $(BIN)/ipvlan --stack dev verify --internet $(INTERNET)

preview: setup ## what `pulumi up` of stack dev would change
	@lab/exec pulumi preview --stack dev --diff

down: ## remove the stack from the lab's hosts
	@lab/exec pulumi destroy --stack dev --yes --skip-preview

lab-down: ## stop and remove the lab's hosts
	@lab/down

clean: ## remove everything that was made here: the lab, its caches, the toolchain, the virtual environment
	@if [ -x lab/clean ]; then lab/clean; fi
	toolchain/clean
	rm -rf $(VENV) *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .lab
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

check: setup ## formatter, linter, types
	@$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(VENV)/.installed ## let the formatter write
	@$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

test-fast: setup ## tests that need no lab, under 30 s
	@$(BIN)/pytest -n 2 tests/unit tests/program

test-lab: setup ## tests on a lab of their own
	@$(BIN)/pytest -v --durations=15 tests/lab

test-lab-matrix: setup ## the lab tests that depend on Docker, on 20.10, 26.1, 28.5 and a mixed pair, as a table (1.5 h; SUITES="forky" for some)
	@$(BIN)/python tools/lab_matrix.py $(SUITES)

test: check test-fast test-lab ## every check and every test

bench: setup ## times of this program beside the seed's own commands and Ansible
	@$(BIN)/python bench/run.py

constraints: ## write constraints.txt anew: what the direct requirements pull in today
	@folder=$$(mktemp -d)
	trap 'rm -rf "$$folder"' EXIT
	grep -hvE '^(-|#|$$)' requirements.txt requirements-dev.txt > "$$folder/direct"
	$(PYTHON) -m venv "$$folder/venv"
	"$$folder/venv/bin/pip" install --quiet --disable-pip-version-check -r "$$folder/direct"
	{ echo '# Versions of what requirements.txt and requirements-dev.txt pull in. Made by: make constraints'
	"$$folder/venv/bin/pip" freeze | awk -F== 'NR==FNR {direct[tolower($$1)]; next} {name=tolower($$1); gsub("_","-",name)} !(name in direct)' "$$folder/direct" -; } > constraints.txt

.PHONY: test-lab-matrix schema schema-check pr-preview pr-comment bench-plan mode-pages

schema: $(VENV)/.installed ## write what is generated from the models: JSON Schemas, the tables of docs/config.md, docs/bad-input.md, the pictures of the docs
	@$(BIN)/python tools/generate.py

schema-check: $(VENV)/.installed ## fail where a generated file is out of date
	@$(BIN)/python tools/generate.py --check

mode-pages: lab-up ## put what `ipvlan verify` prints for each example on the lab into docs/modes (the lab must be empty: make down)
	@$(BIN)/python tools/mode_pages.py

bench-plan: $(VENV)/.installed ## time and memory of planning 1,000 and 10,000 containers
	@$(BIN)/python bench/plan.py

# `make bench` prints these too, first.
bench: bench-plan

# What a pull request is compared with, and where its comment is written.
BASE ?= main
COMMENT ?= .make/pr-comment.md

pr-preview: setup ## the comment of a pull request into BASE=main: report and `pulumi preview --diff` of every stack, no host needed
	@toolchain/run $(BIN)/python tools/pr_preview.py --base '$(BASE)' --out '$(COMMENT)'

pr-comment: ## put COMMENT on pull request PR=number, instead of the one put there before (GitHub's workflow calls it)
	@tools/pr-comment '$(PR)' '$(COMMENT)'
