"""`python -m eval run | compare | report | sweep | bench | add | import | export | fit-...`: measure how good answers are."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from eval.compare import compare
from eval.corpus import StoredDocuments, ingested
from eval.fit import fit_confidence, fit_quotes
from eval.gold import load_gold
from eval.measures import HEADLINES, known_measures
from eval.outcome import Outcome
from eval.run import Protocol, Run, answering, load_run, make_header, retrieving
from eval.run import run as ask_all
from rag.assistant import Assistant
from rag.command import add_store_options, run, settings_from
from rag.retrieve import Retriever
from rag.settings import Settings
from rag.store import Store

_GATE_CLOSED = 1
