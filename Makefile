SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

BIN := .venv/bin
STAMP := .venv/riskgate.stamp
CHECKED = scripts/services $(wildcard scripts/*.py riskgate flows journal simulator workbench engine rules detectors windows stores schemas tests benchmarks)

.PHONY: help setup demo picture test soak soak-kills check bench bench-long bench-peers schemas constraints clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' Makefile

setup: $(STAMP) ## create .venv with the pinned dependencies and .venv/bin/riskgate
	@:

$(STAMP): constraints.txt pyproject.toml scripts/setup
	@scripts/setup
	@touch $@

demo: setup ## run the main job on a simulated stream, without Kafka or Redis
	@$(BIN)/riskgate demo

picture: setup ## draw docs/demo.svg again, from a real run of the demo
	@$(BIN)/python scripts/picture.py

test: setup ## run all tests against a real Kafka broker and a real Redis server
	@scripts/services run scripts/halves

soak: setup ## simulate crashes with ever new seeds until one fails; SEED=N replays that one
	@PYTHONPATH=.:tests $(BIN)/python -m support.simulation $(SEED)

soak-kills: setup ## kill real processes more than 20 times, on files and on topics, and print the figures
	@scripts/services run env RISKGATE_KILLS=24 $(BIN)/pytest -q -s tests/riskgate/test_state_files.py tests/riskgate/test_state_kafka.py

check: setup ## check format, lint, types, layering and the built wheel
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy $(CHECKED)
	@$(BIN)/lint-imports
	@$(BIN)/pytest -q tests/frame/test_wheel.py

bench: setup ## measure speed, latency and memory, in process and Kafka to Kafka
	@scripts/services run $(BIN)/python -m benchmarks

bench-long: setup ## measure recovery of 10 million events, and 60 days of 20 million
	@$(BIN)/python -m benchmarks long

bench-peers: setup ## measure the same workload round robin with the peers
	@scripts/services run $(BIN)/python -m benchmarks.peers

schemas: setup ## write the JSON Schemas of schemas/json and rules/json again
	@$(BIN)/python -m schemas.jsonschema
	@$(BIN)/python -m rules.jsonschema

constraints: setup ## resolve the dependencies again and pin them
	@env -u PIP_FIND_LINKS -u UV_FIND_LINKS $(BIN)/uv pip compile pyproject.toml --extra dev --quiet --upgrade \
		--universal --python-version 3.11 --fork-strategy fewest --generate-hashes \
		--no-emit-index-url --no-emit-find-links --custom-compile-command "make constraints" \
		--output-file constraints.txt
	@echo "constraints.txt: $$(grep -c == constraints.txt) packages pinned"

clean: ## stop the services and remove all that was made
	@scripts/services stop
	@rm -rf .venv .services build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
