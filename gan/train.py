"""`torchrun --nproc-per-node=N -m gan.train ...`: `tastemaker train`, in N processes that train one generator together.

The options are those of the command. The batch is the total over all processes, so that their number changes the speed and not the
result; only the first process writes files. With `--max-restarts`, torchrun restarts all processes if one dies, and they resume from the
last saved state. On several machines, each needs the pictures.
"""

import sys

from gan.cli import main

if __name__ == "__main__":
    sys.exit(main(["train", *sys.argv[1:]], prog="python -m gan"))
