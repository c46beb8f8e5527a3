"""Pure functions from answers and gold to numbers. None means that a measure does not apply; never 0.

`ranking`: documents in order against judgements. `spans`: characters against characters. `text`: answers against
accepted answers. `refusal`: confidence and refusals against whether the corpus answers.
"""
