# make chat    install, ingest the sample corpus, serve the chat on http://127.0.0.1:7860
# make test    install, lint, check types, run every test
# make check   lint and types only          make ingest FILES=folder    add documents to ./store
# make bench   speed of ingestion and of a search, against bare models, Chroma and llama-index, in one run

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
PIP := $(RUN) -m pip install --quiet --constraint constraints.txt
CHROMIUM := /usr/bin/chromium
PORT ?= 7860
MAKEFLAGS += --jobs=2  # the browser is installed while the packages are

.PHONY: chat ingest test check bench browser clean

chat: $(VENV)/.installed
	$(RUN) app.py --port $(PORT)

ingest: $(VENV)/.installed
	$(RUN) -m ingest $(FILES)

# Two processes with a thread each: two threads in each would wait for one another.
test: check browser
	OMP_NUM_THREADS=1 $(RUN) -m pytest --numprocesses 2 --dist loadfile

check: $(VENV)/.installed-dev
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy

bench: $(VENV)/.installed-bench
	$(RUN) -m tests.bench_speed $(BENCHMARKS)

$(VENV)/.installed: pyproject.toml constraints.txt
	test -x $(RUN) || $(PYTHON) -m venv $(VENV)
	$(PIP) --editable .
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(PIP) --editable '.[dev]'
	touch $@

$(VENV)/.installed-bench: $(VENV)/.installed
	$(PIP) --editable '.[bench]'
	touch $@

# The browser tests need Debian's Chromium: installed where that is allowed, else they are skipped and say so.
browser:
	@test -x $(CHROMIUM) || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null \
		&& apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null; } \
		|| echo "Chromium is not installed: the browser tests will be skipped." >&2

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
