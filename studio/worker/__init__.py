"""The child process that holds torch, and the window's end of it."""
