"""`python -m gan VERB`: the command line of the library, for machines without the studio."""

import sys

from gan.cli import main

if __name__ == "__main__":
    sys.exit(main(prog="python -m gan"))
