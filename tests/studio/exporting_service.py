"""What a worker serves in a test: an export into the folder that it is told to open, which does not look whether it was cancelled."""

import time
from pathlib import Path
from typing import Any

from gan.formats.whole_folder import whole_folder
from studio.worker import messages as m


def serve(inbox: Any, outbox: Any, frames: Any) -> None:
    with whole_folder(Path(inbox.next().folder)) as partial:
        (partial / "half").write_text("written")
        outbox.send(m.Notice("writing"))
        time.sleep(60)
