"""The child process that runs torch, and the window's side of it."""
