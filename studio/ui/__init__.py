"""Widgets and views; no SQL, no process handling."""
