import json
import re
from pathlib import Path

from eval.fit_retrieval import fit_retrieval

PLACES = ("harbour", "orchard", "library", "foundry", "chapel", "quarry")


def test_weights_are_fitted_to_marked_passages_of_both_files(tmp_path: Path) -> None:
    reader, rerank = tmp_path / "reader.jsonl", tmp_path / "rerank.jsonl"
    reader.write_text(
        "\n".join(
            json.dumps(
                {
                    "src": "covid_qa",
                    "passage": f"The {place} was opened in {1900 + number} by the mayor.",
                    "questions": [{"question": f"When was the {place} opened?", "spans": [[0, "The"]]}],
                }
            )
            for number, place in enumerate(PLACES)
        )
    )
    rerank.write_text(
        "\n".join(
            json.dumps(
                {
                    "src": "fm2_claims",
                    "question": f"The {place} was closed by a storm.",
                    "passages": [
                        {"passage": f"A storm closed the {place} for good.", "relevance": 1},
                        {"passage": f"Nobody ever closed the {place} down.", "relevance": 0},
                    ],
                }
            )
            for place in PLACES
        )
    )
    shown = fit_retrieval([reader, rerank])
    assert shown.startswith("12 questions of 2 kinds")
    found = re.findall(r"(covid_qa|fm2_claims) +([\d.]+) -> ([\d.]+)", shown)
    assert [kind for kind, _, _ in found] == ["covid_qa", "fm2_claims"]
    assert all(0.9 < float(after) <= 1 for _, _, after in found)
    left = [float(chunks) for chunks in re.findall(r"margin [\d.]+: ([\d.]+) of 10", shown)]
    assert left == sorted(left)
    best, used = (float(score) for score in re.findall(r"(?:best|in use): .*: ([\d.]+)", shown))
    assert used <= best
    assert "in use: telling 45, dense_weight 0.42, late_weight 0.8, neighbour_weight 0.3" in shown
