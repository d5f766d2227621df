"""Messages: plain data, pickled and back, that a process without torch and Qt can read."""

import dataclasses
import pickle
import subprocess
import sys
import typing

import pytest

from studio.project.records import TitleRating
from studio.project.store import NewImage, Project
from studio.worker import exports, jobs
from studio.worker import messages as m
from studio.worker.opening import opening

ALL = [*typing.get_args(m.Command), *typing.get_args(m.Event)]
OPINIONS = typing.get_args(m.Opinion)
SAMPLES = {
    "int": 3,
    "float": 0.5,
    "str": "a",
    "bool": True,
    "str | None": None,
    "int | None": 4,
    "float | None": None,
    "tuple[int, ...]": (1, 2),
    "tuple[KnownImage, ...]": (m.KnownImage(1, b"1234"),),
    "tuple[Opinion, ...]": (m.FeedbackEvent(1, "stars", 5.0, 1.5), m.Duel(7, 1, 2, "a", "b", 2.5)),
    "tuple[Proposal, ...]": (m.Proposal(b"1234", "random"),),
    "tuple[Prediction, ...]": (m.Prediction(1, 3.0, 0.5, 0.1, None, None, 0.2),),
    "tuple[ExportRow, ...]": (exports.ExportRow(1, b"1234", tags=("dawn",)),),
    "tuple[dict[str, Any], ...]": ({"kind": "stars"},),
    "tuple[int, ...] | None": None,
    "tuple[TitleRating, ...]": (TitleRating(1, "Misty Valley", 4),),
    "Proof | None": m.Proof("", ((1, "a.png"),)),
    "FrameRef": m.FrameRef(1, 2, 16, 16),
    "FrameRef | None": None,
    "RoundSettings": m.RoundSettings(2.0, {"taste": 0.5}),
    "dict[str, float | None]": {"kl": None},
    "dict[str, Any]": {"licence": "CC0"},
    "dict[str, float]": {"gap": 0.5},
    "tuple[str, ...]": ("a.png",),
    "tuple[bool, ...]": (True,),
    "bytes | None": b"1234",
    "tuple[bytes, ...]": (b"1234",),
    "tuple[tuple[str, float], ...]": (("calm", 0.5),),
    "tuple[tuple[int, float], ...]": ((1, 0.5),),
    "tuple[float, ...]": (1.5,),
    "tuple[float, float] | None": (0.3, 0.7),
    "tuple[tuple[str, str], ...]": (("a.png", "not a picture"),),
    "tuple[Start, ...]": (jobs.Start("dreamscapes", 64),),
    "tuple[Picture, ...]": (jobs.Picture("a.png", 20, 10),),
}


@pytest.mark.parametrize("kind", [*ALL, *OPINIONS], ids=lambda kind: kind.__name__)
def test_every_message_is_frozen_and_survives_the_pipe(kind):
    message = kind(**{field.name: SAMPLES[str(field.type)] for field in dataclasses.fields(kind)})
    assert pickle.loads(pickle.dumps(message)) == message
    with pytest.raises((dataclasses.FrozenInstanceError, AttributeError, TypeError)):
        message.anything = 1


def test_every_message_is_in_a_union():
    defined = {
        value
        for value in [*vars(m).values(), *vars(jobs).values()]
        if isinstance(value, type)
        and dataclasses.is_dataclass(value)
        and value.__module__.startswith("studio.worker.")
    }
    parts = {m.KnownImage, m.Proof, m.Proposal, m.Prediction, m.FrameRef, m.RoundSettings, jobs.Picture, jobs.Start}
    assert defined - parts == set(ALL)


def test_what_the_window_imports_loads_no_torch_and_no_gan():
    code = (
        "import sys; import studio.worker.client, studio.worker.spawn, studio.project.recent;"
        "print([name for name in sys.modules if name.split('.')[0] in ('torch', 'gan')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"


def test_opening_tells_everything_that_is_known(tmp_path):
    with Project(tmp_path / "p", model="small", seed=9) as project:
        project.add_grid([NewImage(b"1234"), NewImage(b"5678")])
        project.rate(2, "stars", 4)
        project.rate(2, "like")
        project.undo()
        path = project.new_checkpoint_path()
        path.write_bytes(b"adapter")
        project.add_checkpoint(path)
        command = opening(project, "cpu")
    assert (command.model, command.seed, command.device) == ("small", 9, "cpu")
    assert command.images == (m.KnownImage(1, b"1234"), m.KnownImage(2, b"5678"))
    assert [(e.image, e.kind, e.value) for e in command.events] == [(2, "stars", 4.0)]
    assert command.checkpoint == str(path) and command.protocol == m.PROTOCOL
