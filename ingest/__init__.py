"""Files -> documents -> chunks -> store. `ingest.sync.sync` is the way in from Python."""
