"""`python -m gan VERB`: the commands that need no window, on a machine without the studio."""

import sys

from gan.cli import main

if __name__ == "__main__":
    sys.exit(main(prog="python -m gan"))
