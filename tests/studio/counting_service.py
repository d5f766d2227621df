"""What a worker serves in a test: it counts as torch's exporter does, says so, and hangs until it is ended."""

import time
from typing import Any

from tqdm import tqdm

from studio.worker import messages as m


def serve(inbox: Any, outbox: Any, frames: Any) -> None:
    for _ in tqdm(range(1), disable=True):
        outbox.send(m.Notice("counted"))
    while not inbox.ended:
        time.sleep(0.01)
    time.sleep(60)
