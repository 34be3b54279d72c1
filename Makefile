# SPDX-License-Identifier: GPL-3.0-or-later
# make demo | make test | make companion. Each sets up what is missing, says so, and repeats nothing.
SHELL := /bin/sh
.DELETE_ON_ERROR:
.PHONY: help docs packages setup install demo train-demo test test-training style lint format companion screenshots \
	paper clean

ifneq ($(words $(CURDIR)),1)
$(error make cannot work in a folder whose path has spaces: $(CURDIR))
endif
ROOT := $(CURDIR)
PREFIX := $(ROOT)/prefix
BUILD := $(ROOT)/build
PYTHON := $(PREFIX)/bin/python3
# GNU Radio's bindings belong to the system's interpreter, whatever comes first on PATH.
SYSTEM_PYTHON ?= /usr/bin/python3
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
IMAGE ?=
CARS ?=
BSDS ?=
LIMIT ?= 0
PAPER_OPTIONS ?=

help:
	@echo "make demo [IMAGE=path]  send an image over the simulated link; results in demo/"
	@echo "make test               build, install into prefix/, run every test"
	@echo "make train-demo         train a small network for about two minutes; results in training/runs/demo/"
	@echo "make test-training      the tests of training/, in an environment of its own"
	@echo "make companion          GNU Radio Companion with the blocks in it"
	@echo "make paper CARS=test.tar [BSDS=test.tar] [LIMIT=20]"
	@echo "                        table and figures of the paper and more, into docs/results/"
	@echo "make docs               the site, in build/site/"
	@echo "make screenshots        draw the images of the README again"
	@echo "make clean              remove build/, prefix/ and demo/"

packages:
	@scripts/install-packages

$(PREFIX)/.python: scripts/requirements.txt | packages
	@echo "Creating the Python environment in prefix/"
	@test -x "$(SYSTEM_PYTHON)" || { echo "$(SYSTEM_PYTHON) is missing: name GNU Radio's interpreter with SYSTEM_PYTHON=path." >&2; exit 2; }
	@"$(SYSTEM_PYTHON)" -m venv --system-site-packages "$(PREFIX)"
	@"$(PYTHON)" -m pip install --quiet --disable-pip-version-check -r scripts/requirements.txt || \
		{ echo "pip could not install what scripts/requirements.txt lists (see above)." >&2; exit 2; }
	@touch "$@"

setup: $(PREFIX)/.python

$(BUILD)/CMakeCache.txt: CMakeLists.txt $(PREFIX)/.python
	@echo "Configuring build/"
	@cmake -S "$(ROOT)" -B "$(BUILD)" -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX="$(PREFIX)" \
		-DPYTHON_EXECUTABLE="$(PYTHON)" >"$(PREFIX)/cmake.log" 2>&1 || \
		{ tail -n 20 "$(PREFIX)/cmake.log" >&2; echo "cmake could not configure the build (the end of its output is above)." >&2; exit 2; }
	@touch "$@"

# The build decides by itself what is out of date, so it is always asked.
install: $(BUILD)/CMakeCache.txt
	@cmake --build "$(BUILD)" --parallel $(JOBS) >"$(BUILD)/build.log" 2>&1 || \
		{ tail -n 40 "$(BUILD)/build.log" >&2; echo "The build failed (the end of its output is above)." >&2; exit 2; }
	@cmake --install "$(BUILD)" >"$(BUILD)/install.log" 2>&1 || \
		{ tail -n 5 "$(BUILD)/install.log" >&2; echo "Installing into prefix/ failed (see above)." >&2; exit 2; }

demo: install
	@"$(PREFIX)/bin/vqdeepsc" demo --output "$(ROOT)/demo" $(if $(IMAGE),--image "$(IMAGE)")

# Formatters and types, in seconds; `make format` writes what the formatters want.
style: setup
	@"$(PREFIX)/bin/ruff" check .
	@"$(PREFIX)/bin/ruff" format --quiet --check .
	@find include lib python tests -name '*.cc' -o -name '*.h' | xargs "$(PREFIX)/bin/clang-format" --dry-run --Werror
	@"$(PREFIX)/bin/mypy" --no-error-summary

# clang-tidy takes minutes where it has not run yet, and seconds afterwards.
lint: style install $(PREFIX)/bin/clang-tidy
	@scripts/tidy

$(PREFIX)/bin/clang-tidy: $(PREFIX)/.python
	@"$(PYTHON)" -m pip install --quiet --disable-pip-version-check clang-tidy==23.1.4

format: setup
	@"$(PREFIX)/bin/ruff" format --quiet .
	@find include lib python tests -name '*.cc' -o -name '*.h' | xargs "$(PREFIX)/bin/clang-format" -i

test: install style
	@cd / && env -i "$(PREFIX)/bin/vqdeepsc" models >/dev/null
	@cd "$(BUILD)" && ctest --output-on-failure --parallel $(JOBS)

training/.venv/.ready: training/requirements.txt
	@echo "Creating the training environment in training/.venv/: PyTorch, which may bring gigabytes of"
	@echo "CUDA libraries, and the rest of training/requirements.txt. This takes some minutes."
	@python3 -m venv training/.venv
	@training/.venv/bin/python -m pip install --quiet --disable-pip-version-check -r training/requirements.txt || \
		{ echo "pip could not install what training/requirements.txt lists (see above)." >&2; exit 2; }
	@touch "$@"

# Training uses the core package as any library, installed again when it has changed.
CORE_SOURCES := $(shell find python/core lib/kernels -type f -not -name '*.pyc' 2>/dev/null) CMakeLists.txt pyproject.toml
training/.venv/.core: training/.venv/.ready $(CORE_SOURCES)
	@echo "Installing the core package into training/.venv/"
	@training/.venv/bin/python -m pip install --quiet --disable-pip-version-check . || \
		{ echo "pip could not build the core package (see above)." >&2; exit 2; }
	@touch "$@"

test-training: training/.venv/.core
	@cd training && .venv/bin/python -m pytest -q tests

train-demo: training/.venv/.core
	@cd training && .venv/bin/python -m vqdeepsc_training demo

build/docs-env/.ready: scripts/requirements-docs.txt
	@echo "Creating the environment of the site in build/docs-env/"
	@python3 -m venv build/docs-env
	@build/docs-env/bin/python -m pip install --quiet --disable-pip-version-check -r scripts/requirements-docs.txt || \
		{ echo "pip could not install what scripts/requirements-docs.txt lists (see above)." >&2; exit 2; }
	@touch "$@"

# Warnings are errors, links to pages and their headings among them.
docs: install build/docs-env/.ready
	@build/docs-env/bin/python scripts/build_site.py

companion: install
	@PATH="$(PREFIX)/bin:$$PATH" GRC_BLOCKS_PATH="$(PREFIX)/share/gnuradio/grc/blocks" \
		"$(PYTHON)" "$$(command -v gnuradio-companion)" examples/awgn_loopback.grc

screenshots: install
	@"$(PYTHON)" scripts/screenshots.py

paper: install
	@test -n "$(CARS)" || { echo "make paper needs CARS=path: a folder or .tar of the Cars196 test images." >&2; exit 2; }
	@"$(PYTHON)" scripts/paper.py --cars "$(CARS)" $(if $(BSDS),--bsds "$(BSDS)") \
		--limit $(LIMIT) $(PAPER_OPTIONS)
	@"$(PYTHON)" scripts/readme_results.py

clean:
	rm -rf "$(BUILD)" "$(PREFIX)" "$(ROOT)/demo"
