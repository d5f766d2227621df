"""`torchrun --nproc-per-node=N -m gan.train ...`: `tastemaker train`, in N processes that train one generator together.

The options are the command's own. The batch is that of all processes together, so that their number changes the speed and not the
result; the first process alone writes. With `--max-restarts`, torchrun starts all of them again when one dies, and they go on from the
last saved state. On several machines, each must have the pictures.
"""

import sys

from gan.cli import main

if __name__ == "__main__":
    sys.exit(main(["train", *sys.argv[1:]], prog="python -m gan"))
