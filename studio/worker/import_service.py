"""The process that reads foreign generators, so that untrusted files never come near the ratings."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from gan.errors import UserError, is_out_of_memory, reason
from studio.worker import imports
from studio.worker import messages as m
from studio.worker.frames import FrameClosed, FrameWriter
from studio.worker.inbox import Inbox, Outbox

if TYPE_CHECKING:
    from gan.formats.importing import Imported, Question

PREVIEW = 24  # images of the generator that was read


def serve(inbox: Inbox, outbox: Outbox, frames: FrameWriter) -> None:
    """Serve commands until `Shutdown`, or until the window is gone."""
    read: Imported | None = None
    while not inbox.ended:
        command = inbox.next()
        number = getattr(command, "number", None)
        try:
            match command:
                case imports.ReadFile():
                    read = _read(command)
                    outbox.send(_described(command, read, frames))
                case imports.KeepFile() if read is not None:
                    from gan.formats import bundle

                    read.model.name = Path(command.folder).name
                    bundle.save(read.model, Path(command.folder))
                    outbox.send(imports.FileKept(command.number, command.folder))
        except FrameClosed:
            return
        except UserError as error:
            outbox.send(m.Failed(type(command).__name__, str(error), number=number))
        except Exception as error:
            text = "There is not enough memory for this generator." if is_out_of_memory(error) else reason(error)
            outbox.send(m.Failed(type(command).__name__, text, traceback.format_exc(), number=number))


def _read(command: imports.ReadFile) -> Imported:
    from gan.formats.importing import import_file

    return import_file(command.file, dict(command.choices))


def _described(command: imports.ReadFile, read: Imported, frames: FrameWriter) -> imports.FileRead:
    choices = dict(command.choices)
    pixels = read.model.sample(range(PREVIEW), batch=4)
    return imports.FileRead(
        command.number,
        read.what,
        tuple(read.notes),
        read.licence,
        (
            *(_asked(question, choices, False) for question in read.questions),
            *(_asked(question, choices, True) for question in read.settled),
        ),
        frames.send(pixels),
    )


def _asked(question: Question, choices: dict[str, str], settled: bool) -> imports.Question:
    options = tuple(imports.Option(o.value, o.label, o.evidence) for o in question.options)
    return imports.Question(question.key, question.text, options, question.answer(choices), settled)
