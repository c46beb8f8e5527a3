import json
import re
from pathlib import Path

from eval.fit_spelling import fit_spelling

NAMES = ("Brezhnev", "Kissinger", "Gorbachev", "Honecker", "Jaruzelski", "Dubcek")


def test_rules_differ_in_what_they_put_right_and_in_what_they_change(tmp_path: Path) -> None:
    reader = tmp_path / "reader.jsonl"
    reader.write_text(
        "\n".join(
            json.dumps(
                {
                    "src": "covid_qa",
                    "passage": f"In {1960 + number} {name} spoke to the assembly. So did Brezhnow and Gorbachew.",
                    "questions": [{"question": f"When did {name} speak?", "spans": [[0, "In"]]}],
                }
            )
            for number, name in enumerate(NAMES)
        )
    )
    shown = fit_spelling([reader])
    assert shown.startswith("6 names")
    rules = {
        (int(shortest), int(long)): (int(right), int(changed))
        for shortest, long, right, changed in re.findall(r"shortest (\d), long +(\d+): +(\d+) +(\d+)", shown)
    }
    assert rules[3, 7][0] >= rules[7, 99][0]
    assert rules[3, 7][1] == 2, "Brezhnev and Gorbachev, were they not there, would be taken for their twins"
    assert rules[7, 99][1] == 1, "only one of the twins is one slip away"
    assert re.search(r"in use shortest 6, long  9", shown)
