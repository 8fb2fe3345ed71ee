# Thin names for the scripts; each target says what it runs. `make` alone lists them.
.DEFAULT_GOAL := targets
.PHONY: targets run test quick check bench proof lab

targets:  ## this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1	/p' $(MAKEFILE_LIST)

run:  ## agent, page and live table out of this tree, until Ctrl-C
	@scripts/run

test:  ## everything: checks, house rules, all tests (as root also the live ones)
	@scripts/test

quick:  ## tests that need no root and no patience: under a minute
	@scripts/prepare
	@.venv/bin/python -m pytest -q -m "not live and not slow"

check:  ## format, lint, types, import contracts, house rules
	@scripts/prepare
	@.venv/bin/python -m pytest -q tests/house

bench:  ## what it costs and how fast it reacts, measured on this machine
	@scripts/prepare
	@set -e; for bench in benchmarks/*.py; do PYTHONPATH=src .venv/bin/python "$$bench"; done

proof:  ## the long runs on the real kernel (root): 20 of each where the tests do 3
	@scripts/prepare
	@set -e; for proof in tests/proof/*.py; do PYTHONPATH=src:. .venv/bin/python "$$proof"; done

lab:  ## cgroup v2 under systemd: boots a machine of its own by emulation (root; some minutes)
	@scripts/prepare
	@.venv/bin/python -m pytest -q -m vm tests/lab
