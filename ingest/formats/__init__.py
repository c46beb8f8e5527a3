"""One file a format: `parse_x(file, source)` yields its documents. `ingest.parse` says which ending is whose."""
