"""Files that went wrong: valid ones of every reader, mutated by structure and by byte, and each read in a watched process.

    python -m tests.gan.fuzz --reader all --minutes 10

The only outcomes that an import may have are a generator and a `UserError` of one line, within 5 seconds and 2 GB.
"""

import sys
from pathlib import Path

# Run as `python -m tests.gan.fuzz`, nobody has put the tests' own modules within reach.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
