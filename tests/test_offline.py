"""Nothing leaves this machine: ingest, ask and evaluate with every look-up and connection forbidden."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

from tests.conftest import SAMPLE, SAMPLE_GOLD

GUARDED = """
    import socket, sys
    attempts = []

    def guard(event, arguments):
        if event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
            attempts.append((event, arguments[:1]))
            raise OSError(f"blocked {event}")
        if event == "socket.connect" and arguments[0].family != socket.AF_UNIX:
            attempts.append((event, arguments[1]))
            raise OSError(f"blocked {event}")

    sys.addaudithook(guard)
    from pathlib import Path
    from eval.report.page import report_html
    from eval.run import evaluate
    from ingest.sync import sync
    from rag import Assistant, Settings, Store

    with Store(Settings(store=Path("store")), create=True) as store:
        report = sync(store, [Path(sys.argv[1])])
        answer = Assistant(store).ask("How many missiles were eliminated under the INF Treaty?")
        run, _ = evaluate(store, Path(sys.argv[2]))
    assert len(run.outcomes) == 4
    assert "<svg" in report_html(run)
    assert len(report.added) == 14, report
    assert not answer.refused and answer.citations
    assert attempts == [], attempts
    print("quiet")
"""


def test_ingest_ask_and_evaluate_touch_no_network(tmp_path: Path) -> None:
    gold = tmp_path / "gold.jsonl"
    gold.write_text("".join(SAMPLE_GOLD.read_text().splitlines(keepends=True)[:4]))
    hostile = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9"}
    environment = {key: value for key, value in os.environ.items() if key != "HF_HUB_OFFLINE"} | hostile
    command = [sys.executable, "-c", textwrap.dedent(GUARDED), str(SAMPLE), str(gold)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=environment)
    assert done.stdout == "quiet\n", done.stderr
