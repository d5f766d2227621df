"""Observable state and actions; no widgets, no SQL, no torch."""
