"""What a worker serves in a test: it answers the first command, and says something that nobody can read to the second."""

from typing import Any

from studio.worker import messages as m


def serve(inbox: Any, outbox: Any, frames: Any) -> None:
    if inbox.next() is not None:
        outbox.send(m.Notice("heard"))
    if inbox.next() is not None:
        outbox._connection.send_bytes(b"no message at all")
    inbox.next()
