"""Tastemaker's window: a Qt shell around the library `gan`. Only `studio.worker` holds torch, in a process of its own."""
