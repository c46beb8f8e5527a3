"""Other people's question sets -> our gold file, and our corpus where the set brings its documents.

Names, texts and answers are written in the form that ingest stores (`ingest.canonical`), so that spans point into the
stored documents. What is not taken over is named in `Imported.skipped`; of a file with faults nothing is taken over.
"""
