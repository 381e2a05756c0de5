# What there is to do here. `make` alone lists it. Everything runs in environments of its own below this folder and
# needs nothing but make, git and Python; `build` and `check` also need a Python 3.13, the version of the Lambda runtime.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SECONDARY:

export SAM_CLI_TELEMETRY := 0
export PIP_DISABLE_PIP_VERSION_CHECK := 1

RUNS = $(shell $(1) -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(1))
PYTHON ?= $(firstword $(foreach name,python3 python3.13 python3.12 python3.11,$(call RUNS,$(name))))

# sam build wants a python3.13 on PATH; one that pyenv keeps but has not selected counts too.
RUNTIMES := python3.13 $(wildcard $(or $(PYENV_ROOT),$(HOME)/.pyenv)/versions/3.13*/bin/python3.13)
RUNTIME ?= $(firstword $(foreach path,$(RUNTIMES),$(shell $(path) -c 'import sys; print(sys.executable)' 2>/dev/null)))
WITH_RUNTIME = PATH="$(dir $(RUNTIME)):$$PATH"

# The environments' Pythons are called, never their scripts alone: a script remembers the folder it was made in.
PY := .venv/bin/python
ARCHITECTURE ?= arm64
TRANSLATED := build/template/template.json

.PHONY: help
help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# ── what people run ──────────────────────────────────────────────────────────────────────────────────────────────────
.PHONY: install demo test exhaustive check
install: .venv/.installed  ## make .venv from the lock; again only when the lock changes

demo: install  ## a morning of an account in the sandbox; leaves build/demo/report.html
	@$(PY) -m cli demo

test: install  ## all tests but those of the built artifact
	@$(PY) -m pytest -n auto --dist loadfile --no-loadscope-reorder

exhaustive: install  ## the same tests with all of what test tries a sample of: every death, long histories
	@EXHAUSTIVE=1 $(PY) -m pytest -n auto --dist loadfile --no-loadscope-reorder

check: lint format-check type lock-check validate build package-test security  ## all that judges

# ── what check is made of ────────────────────────────────────────────────────────────────────────────────────────────
.PHONY: lint format format-check type lock-check validate build package-test security
lint: install  ## ruff
	@$(PY) -m ruff check .

format: install  ## put the code in shape
	@$(PY) -m ruff format .
	@$(PY) -m ruff check --fix .

format-check: install  ## whether the code is in shape
	@$(PY) -m ruff format --check .

type: install  ## mypy, strict
	@$(PY) -m mypy

lock-check: install  ## whether the locks say what the .in files ask for
	@$(PY) -m pytest -q tests/packaging/test_locks.py

validate: install .venv-sam/.installed translate  ## the template, as written and as SAM translates it
	@.venv-sam/bin/python -m samcli validate --lint --region us-east-1
	@$(PY) .venv/bin/cfn-lint $(TRANSLATED)

build: .venv-sam/.installed need-runtime  ## sam build, ready for sam deploy; ARCHITECTURE=x86_64 for the other processor
	@$(WITH_RUNTIME) .venv-sam/bin/python -m samcli build --parameter-overrides Architecture=$(ARCHITECTURE)

package-test: install .venv-sam/.installed need-runtime  ## build for this machine, import every Handler from the artifact
	@$(WITH_RUNTIME) $(PY) -m pytest -q -m packaging tests/packaging

security: install .venv-checkov/.installed translate  ## checkov; every waiver is explained in .checkov.yaml
	@.venv-checkov/bin/python -m checkov.main --config-file .checkov.yaml -f $(TRANSLATED)

# ── the rest ─────────────────────────────────────────────────────────────────────────────────────────────────────────
.PHONY: translate lock models scenario-reference policy-docs bench judge-patterns validate-asl clean need-python need-runtime
translate: install
	@$(PY) -m tests.template.translate $(TRANSLATED)

lock: .venv-uv/.installed  ## compile the locks anew from the .in files; UPGRADE=--upgrade for new versions
	@requirements/compile.sh .venv-uv/bin/uv $(UPGRADE)

models: install  ## cut botocore's own data down to what the adapters call
	@$(PY) layers/slim_models.py

scenario-reference: install  ## write the models of scenario files into docs/scenarios.md
	@PYTHONPATH=functions:layers/core $(PY) -m sandbox.simulation.reference

policy-docs: install  ## write docs/policy.md and docs/policy.schema.json from the models
	@$(PY) docs/write_policy.py

bench: install  ## cold start, storm, warm path, ECS model, batch: printed
	@for name in cold_start storm warm control_plane batch; do $(PY) -m benchmarks.$$name; done

judge-patterns: install  ## the same events before AWS's own Event Ruler (needs Java and Maven)
	@tests/template/judge/run.sh $(PY)

validate-asl: install  ## the state machines before asl-validator (needs node; fetches it)
	@$(PY) -m tests.statemachines.substituted build/asl
	@for file in build/asl/*.asl.json; do npx --yes asl-validator@4.0.0 --json-path $$file; done

clean:  ## remove what was built; the environments stay
	rm -rf build .aws-sam .mypy_cache .ruff_cache .pytest_cache .hypothesis

# The environment also learns where this tree's packages are, so `breakwater` and `python -m` work from any folder.
.venv/.installed: requirements/dev.txt cli/link.py | need-python
	$(PYTHON) -m venv .venv
	@$(PY) -m pip install -q --no-deps --require-hashes -r $<
	@$(PY) cli/link.py
	@touch $@

# Tools with pins of their own. Every lock is complete, so pip has nothing left to resolve.
.venv-%/.installed: requirements/%.txt | need-python
	$(PYTHON) -m venv .venv-$*
	.venv-$*/bin/python -m pip install -q --no-deps --require-hashes -r $<
	@touch $@

need-python:
	@test -n "$(PYTHON)" || { echo "Breakwater needs Python 3.11 or newer: install one and put it on PATH." >&2; exit 1; }

need-runtime:
	@test -n "$(RUNTIME)" || { echo "sam build needs Python 3.13, as in Lambda: install python3.13 and put it on PATH." >&2; exit 1; }
