# Every command of the project. `make` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help
.PHONY: help setup packages toolchain built clean \
	lab-up up verify preview down lab-down \
	check format schema-check check-wheel audit test-fast coverage fuzz chaos test-engine test-others test-lab test-lab-all test-lab-matrix test-long test \
	schema mode-pages constraints pr-preview pr-report pr-comment mr-comment drift drift-issue deploy bench bench-plan \
	bench-preview fleet

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The address in the lab that takes the place of a server on the internet.
INTERNET := 203.0.113.10
# What a pull request is compared with, and the file that its comment is written to.
BASE ?= main
COMMENT ?= .make/pr-comment.md
PIP_AUDIT := pip-audit==2.10.1
# Where it is set, every process of the tests would compile every module again.
unexport PYTHONDONTWRITEBYTECODE
# Three processes on two cores: some tests wait for programs that they start.
FAST_TESTS := $(BIN)/pytest -n 3 tests/unit tests/program
# A module's tests share projects and started processes.
ENGINE_TESTS := $(BIN)/pytest -n 2 --dist loadfile --durations=5 tests/engine
WHEEL_TESTS := $(BIN)/pytest tests/package
NEEDS_IP := ip -V >/dev/null 2>&1 || { echo "== iproute2 is missing: installing it"; apt-get update -qq; apt-get install -y -qq iproute2; }
# Each line of their output has the name before it. No target in it: make -o and make -n do not reach through.
TOGETHER := $(BIN)/python -m tools.together
# Scripts that run here; those in ipvlan/hosts/scripts run on hosts, by sh.
SCRIPTS = $$(git ls-files '*.sh' ':!ipvlan'; git grep -lE '^\#!.*[/ ](ba)?sh$$' -- .ci lab provider toolchain tools)

help: ## list these targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

## Installation

$(VENV)/.installed: requirements.txt requirements-dev.txt constraints.txt pyproject.toml
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "== Python's venv module is missing: installing python3-venv"; apt-get update -qq; apt-get install -y -qq python3-venv; }
	echo "== Python packages into $(VENV)"
	[ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@

setup: $(VENV)/.installed toolchain ## install the Python packages and the Pulumi toolchain

packages: $(VENV)/.installed ## install the Python packages alone

toolchain:
	@toolchain/setup

# One mostly computes, the other mostly waits for the Debian archive.
built: $(VENV)/.installed
	@$(TOGETHER) toolchain=toolchain/setup lab=lab/build

clean: ## remove everything that was made here: the lab, its caches, the toolchain, the virtual environment
	@if [ -x lab/clean ]; then lab/clean; fi
	toolchain/clean
	rm -rf $(VENV) *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .lab .make
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

## The example on the lab

lab-up: built ## start the lab: two virtual Docker hosts on this machine
	@lab/up

up: lab-up ## start the lab, `pulumi up` stack dev on it, and verify every connection
	@echo "== pulumi up of stack dev"
	lab/exec pulumi up --stack dev --yes --skip-preview
	echo "== verify: expected and observed connections"
	lab/exec $(BIN)/ipvlan --stack dev verify --internet $(INTERNET)

verify: ## verify every connection on the lab's hosts again
	@lab/exec $(BIN)/ipvlan --stack dev verify --internet $(INTERNET)

preview: setup ## show what `pulumi up` of stack dev would change
	@lab/exec pulumi preview --stack dev --diff

down: ## remove the stack from the lab's hosts
	@lab/exec pulumi destroy --stack dev --yes --skip-preview

lab-down: ## stop and remove the lab's hosts
	@lab/down

## Checks and tests

check: $(VENV)/.installed ## formatter, linters, types, direction of imports, shell scripts, workflows
	@$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo --cache-dir .make/import-linter
	$(BIN)/shellcheck $(SCRIPTS)
	$(BIN)/shellcheck ipvlan/hosts/scripts/*.sh
	$(BIN)/zizmor --offline --quiet .github
	toolchain/actionlint/run -shellcheck $(BIN)/shellcheck .github/workflows/*.yml
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.dependabot .github/dependabot.yml
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.gitlab-ci .gitlab-ci.yml

format: $(VENV)/.installed ## let the formatter write
	@$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

schema-check: $(VENV)/.installed ## fail where a generated file is out of date
	@$(BIN)/python -m tools.generate --check

check-wheel: $(VENV)/.installed ## build the package, install it into an empty virtual environment, and run its command (1 min)
	@$(WHEEL_TESTS)

audit: ## known vulnerabilities of the pinned packages (asks PyPI's advisory service, which a mirror of packages need not have)
	@folder=$$(mktemp -d)
	trap 'rm -rf "$$folder"' EXIT
	grep -hE '^[A-Za-z].*==' requirements.txt requirements-dev.txt constraints.txt > "$$folder/pins"
	$(PYTHON) -m venv "$$folder/venv"
	"$$folder/venv/bin/pip" install --quiet --disable-pip-version-check $(PIP_AUDIT)
	"$$folder/venv/bin/pip-audit" --progress-spinner off --disable-pip --no-deps --requirement "$$folder/pins"

test-fast: setup ## tests that need no lab, about 2 minutes
	@$(NEEDS_IP)
	$(FAST_TESTS)

coverage: setup ## the same tests with their coverage, which is printed; fails below its floor (20 s more)
	@$(NEEDS_IP)
	$(FAST_TESTS) --cov --cov-report=

fuzz: $(VENV)/.installed ## mutated stack files through all that reads, plans and presents (COUNT=1000, or SECONDS=600; SEED=1; JOBS=1)
	@$(BIN)/python -m tools.fuzz --seed $(or $(SEED),1) --jobs $(or $(JOBS),1) $(if $(SECONDS),--seconds $(SECONDS),--count $(or $(COUNT),1000))

chaos: setup ## random faults on a lab of its own: those of COUNT=20 seeds from SEED=1 on that .make/chaos.jsonl has not; FAILED=1: also those that failed
	@$(BIN)/python -m tools.chaos --count $(or $(COUNT),20) --seed $(or $(SEED),1) $(if $(FAILED),--failed)

test-engine: setup ## tests with the real Pulumi engine and our plugin, without a host (3 min)
	@$(ENGINE_TESTS)

test-lab: setup ## tests on two labs of their own side by side, without those marked `long`
	@$(BIN)/python -m tools.lab_tests -v --durations=40 -m 'not long'

test-lab-all: setup ## all tests on a lab of their own (2 h)
	@$(BIN)/pytest -v --durations=40 tests/lab

test-lab-matrix: setup ## the lab tests that depend on Docker, on 20.10, 26.1, 28.5, 29 and two mixed pairs, as a table (3 h; SUITES="forky" for some)
	@$(BIN)/python -m tools.lab_matrix $(SUITES)

test-others: setup
	@$(TOGETHER) wheel='$(WHEEL_TESTS)' engine='$(ENGINE_TESTS)'

test: built check test-fast test-others test-lab ## every check and every test, those of `make test-long` excepted

test-long: test-lab-all test-lab-matrix ## every test on the lab, and the version matrix (6 h)

## Written files

schema: $(VENV)/.installed ## write what is generated from the models: JSON Schemas, the tables of docs/config.md, docs/bad-input.md, the pictures of the docs
	@$(BIN)/python -m tools.generate

mode-pages: lab-up ## put what `ipvlan verify` prints for each example on the lab into docs/modes (the lab must be empty: make down)
	@$(BIN)/python -m tools.mode_pages

constraints: ## write constraints.txt: the newest versions of what the direct requirements depend on
	@folder=$$(mktemp -d)
	trap 'rm -rf "$$folder"' EXIT
	grep -hE '^[a-z]' requirements.txt requirements-dev.txt > "$$folder/direct"
	$(PYTHON) -m venv "$$folder/venv"
	"$$folder/venv/bin/pip" install --quiet --disable-pip-version-check -r "$$folder/direct"
	{ echo '# Versions of what requirements.txt and requirements-dev.txt depend on. Written by: make constraints'
	"$$folder/venv/bin/pip" freeze $$(sed 's/==.*//; s/^/--exclude /' "$$folder/direct"); } > constraints.txt

## Pull requests

pr-preview: setup ## write the comment of a pull request into BASE=main: report and preview of every stack, no host needed
	@toolchain/run $(BIN)/python -m tools.pr_preview --base '$(BASE)' --out '$(COMMENT)'

pr-report: packages ## write the comment of a pull request, commits BASE and HEAD, from its files as data, and PREVIEW, the comment of its own code
	@$(BIN)/python -m tools.trusted_report --base '$(BASE)' --head '$(HEAD)' $(if $(PREVIEW),--preview '$(PREVIEW)') --out '$(COMMENT)'

pr-comment: ## put COMMENT on pull request PR=number, in place of the previous one (GitHub's workflow runs it)
	@tools/pr-comment '$(PR)' '$(COMMENT)'

mr-comment: packages ## put the report of each open merge request on it (GitLab's scheduled pipeline runs it)
	@$(PYTHON) -I tools/mr_comment.py

## Stacks with hosts

drift: setup ## compare STACK=name with its hosts and its state, into .make/drift; fails where anything differs
	@toolchain/run $(BIN)/python -m tools.drift '$(STACK)'

drift-issue: ## put COMMENT=file into the issue about the drift of STACK, or close it with COMMENT= (GitHub's workflow runs it)
	@tools/drift-issue '$(STACK)' $(if $(COMMENT),'$(COMMENT)')

deploy: setup ## `pulumi up` of STACK=name without questions; then nothing may be left to do
	@toolchain/run pulumi up --stack '$(STACK)' --yes --non-interactive --color never --diff
	toolchain/run pulumi preview --stack '$(STACK)' --expect-no-changes --non-interactive --color never

## Times

bench: setup bench-plan ## compare times with docker commands over ssh and with Ansible
	@$(BIN)/python -m bench.run

bench-preview: setup ## time, CPU time and memory of a preview of 100 hosts with 300 and 1,000 containers
	@$(BIN)/python -m bench.preview

bench-plan: $(VENV)/.installed ## time and memory of planning 1,000 and 10,000 containers
	@$(BIN)/python -m bench.plan

fleet: setup ## the commands on HOSTS=100 simulated hosts, 10 of them dead and 10 slow (root, openssh-server, cc, nft; FLEET="--steps status" and others)
	@$(BIN)/python -m bench.fleet --hosts $(or $(HOSTS),100) $(FLEET)
