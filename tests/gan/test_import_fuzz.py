"""Mutated files of every reader end in a generator or a sentence, and so does what `python -m tests.gan.fuzz` has found before."""

import io
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import foreign_lucidrains
import foreign_onnx
import foreign_pickles
import foreign_torch
import pytest
import safetensors.torch
import torch
from fuzz import watch
from fuzz.readers import READERS, Case
from torch import nn

from gan.errors import UserError
from gan.formats import bundle
from gan.formats.importing import import_file
from gan.model import Model
from gan.networks.adapter import Choice, ChoiceConfig, Shift, ShiftConfig
from gan.networks.lightweight import LightweightConfig

ROOT = Path(__file__).resolve().parent.parent.parent
_QUICK = sorted(set(READERS) - {"program", "anything"})  # these two trace a network first


@pytest.mark.parametrize("reader", _QUICK)
def test_a_few_mutated_files(reader: str, tmp_path: Path) -> None:
    outcomes = [watch.read(READERS[reader](Random(seed)), tmp_path / "now") for seed in range(10, 22)]
    assert not [said for outcome, said in outcomes if outcome == "broken"]


@pytest.mark.slow
@pytest.mark.parametrize("reader", READERS)
def test_a_minute_of_mutated_files(reader: str, tmp_path: Path) -> None:
    """In child processes, with the time and memory of each file measured. Other seeds and more minutes: the command."""
    report = watch.fuzz(reader, READERS[reader], 1.0, tmp_path)
    assert report.files > 50 and not report.findings


def test_a_child_that_breaks_is_found_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fuzzer itself: an exception, a death, a written file and a call of a program are findings, and their files are kept."""

    def meddling(path: Path) -> Any:
        kind = path.read_text()
        if kind == "raises":
            raise ZeroDivisionError("five")
        if kind == "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        if kind == "writes":
            (path.parent / "more").write_text("")
        if kind == "runs":
            sys.audit("os.system", "true")
        raise UserError(f"{path.name} cannot be imported, as it should be")

    monkeypatch.setattr(watch, "import_file", meddling)
    kinds = ("raises", "dies", "writes", "runs", *("is fine",) * 16)
    make = lambda chance: Case({"x": chance.choice(kinds).encode()}, "x")  # noqa: E731
    report = watch.fuzz("made", make, 1.0, tmp_path, most=60)
    assert len(report.findings) == 4 and report.outcomes["refused"] > 20
    for words, kind in (
        ("ZeroDivisionError at", "raises"),
        ("died of SIGKILL", "dies"),
        ("it did open", "writes"),
        ("os.system", "runs"),
    ):
        place = next(where for what, where in report.findings.items() if words in what).split(": ")[0]
        assert (Path(place) / "x").read_text() == kind


@pytest.mark.slow
def test_hostile_files_take_little_time_and_memory(tmp_path: Path) -> None:
    """Each in a process of its own: nothing run, nothing written, a sentence, and the peak of its memory."""
    made = subprocess.run(
        [sys.executable, "-m", "tests.gan.fuzz", "--hostile", "--keep", str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, timeout=170, env={"PATH": "", "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    found = re.findall(r"^(ok|BAD) +([\d.]+) s +(\d+) MB  (.*)$", made.stdout, re.MULTILINE)
    assert len(found) >= 70 and made.returncode == 0, made.stdout + made.stderr
    worst = max(float(seconds) for _, seconds, _, _ in found)
    largest = max(int(megabytes) for _, _, megabytes, _ in found)
    print(f"{len(found)} files: at most {worst:.2f} s and {largest} MB")
    assert worst < watch.SECONDS and largest < watch.MEGABYTES


@pytest.mark.parametrize("what", foreign_pickles.HEAVY)
def test_small_files_that_ask_for_much(what: str, tmp_path: Path) -> None:
    """In a child process, which they have killed, or kept busy for minutes, or made to take all memory."""
    started = watch.alone(Case({"x.pth": b""}, "x.pth"), tmp_path / "now")
    found = watch.alone(Case({"x.pth": foreign_pickles.HEAVY[what]()}, "x.pth"), tmp_path / "now")
    assert found.outcome == "refused" and "needs more memory" not in found.said, found
    assert found.seconds < watch.SECONDS and found.megabytes < started.megabytes + 1000, found


def test_a_small_file_of_large_images_is_described_in_little_memory(tmp_path: Path) -> None:
    widths = [16] * 6 + [96]
    made: list[nn.Module] = [nn.ConvTranspose2d(16, 16, 4)]
    for inputs, outputs in zip(widths, widths[1:], strict=False):
        made += [nn.BatchNorm2d(inputs), nn.ReLU(), nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=False)]
    made += [nn.BatchNorm2d(96), nn.ReLU(), nn.ConvTranspose2d(96, 3, 4, 2, 1)]
    data = io.BytesIO()
    torch.save(nn.Sequential(*made).state_dict(), data)
    assert len(data.getvalue()) < 300_000
    started = watch.alone(Case({"x.pth": b""}, "x.pth"), tmp_path / "now")
    found = watch.alone(Case({"x.pth": data.getvalue()}, "x.pth"), tmp_path / "now")
    assert found.outcome == "imported" and "512 px" in found.said, found
    assert found.megabytes < started.megabytes + 1200, found


# -------------------------------------------------------------------------------------- what mutated files have broken before


def saved(folder: Path, content: Any) -> Path:
    torch.save(content, folder / "generator.pth")
    return folder / "generator.pth"


def refused(path: Path, words: str) -> None:
    with pytest.raises(UserError, match=words) as told:
        import_file(path)
    assert "\n" not in str(told.value) and len(str(told.value)) < 700


def spectral() -> dict[str, Any]:
    last = nn.utils.parametrizations.spectral_norm(nn.Linear(6, 64))
    return dict(nn.Sequential(nn.Linear(4, 6), nn.ReLU(), last).state_dict())


@pytest.mark.parametrize(
    "change",
    [
        lambda u: u.long(),
        lambda u: u[:, None],
        lambda u: u * 0.0,
        lambda u: u[:3],
    ],
)
def test_spectral_norms_that_do_not_fit(
    change: Callable[[torch.Tensor], torch.Tensor], tmp_path: Path
) -> None:
    state = spectral()
    key = next(name for name in state if name.endswith("weight.0._u"))
    state[key] = change(state[key])
    refused(saved(tmp_path, state), "normalised weights")


def test_a_spectral_norm_of_a_vector(tmp_path: Path) -> None:
    state = spectral()
    key = next(name for name in state if name.endswith("weight.original"))
    refused(saved(tmp_path, state | {key: state[key].flatten()}), "normalised weights")


def test_slopes_that_do_not_fit(tmp_path: Path) -> None:
    state = nn.Sequential(nn.Linear(4, 16), nn.PReLU(16), nn.Linear(16, 64)).state_dict()
    assert import_file(saved(tmp_path, state)).model.resolution == 8
    refused(saved(tmp_path, state | {"1.weight": torch.ones(4)}), "slopes after layer 0")


def test_a_bias_of_a_single_number(tmp_path: Path) -> None:
    state = foreign_torch.dcgan(4, 1, 16, batch_norm=False, width=4).state_dict()
    key = next(name for name in state if name.endswith("bias"))
    refused(saved(tmp_path, state | {key: torch.tensor(0.5)}), "not known here")


def test_whole_numbers_are_no_weights(tmp_path: Path) -> None:
    state = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 64)).state_dict()
    refused(saved(tmp_path, state | {"2.weight": state["2.weight"].long()}), "int64 numbers")
    lucid = foreign_lucidrains.lightweight(LightweightConfig(4, 32, 3, (4, 4, 4), "global", (False,) * 3))
    inner: Any = lucid["GAN"]
    inner["GE.initial_conv.1.bias"] = inner["GE.initial_conv.1.bias"].long()
    refused(saved(tmp_path, lucid), "int64 numbers")


def test_a_long_word_in_a_header_is_not_repeated(tmp_path: Path) -> None:
    header = json.dumps({"0.weight": {"dtype": "F" * 5000, "shape": [1], "data_offsets": [0, 4]}}).encode()
    path = tmp_path / "generator.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + b"\0" * 4)
    refused(path, "damaged or cut short")


def rewritten(folder: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """A bundle with another configuration."""
    config = json.loads((folder / bundle.CONFIG_NAME).read_text())
    change(config)
    (folder / bundle.CONFIG_NAME).write_text(json.dumps(config))
    return folder


def test_adapters_of_other_generators_are_refused(tmp_path: Path, small_model: Callable[..., Model]) -> None:
    model = small_model()
    model.adapter = Choice(ChoiceConfig(8, 12)).attach(model.generator)
    bundle.save(model, tmp_path / "mine")
    assert bundle.load(tmp_path / "mine").adapter is not None
    refused(rewritten(tmp_path / "mine", lambda c: c["adapter"].update(candidates=60_000)), "60000 latents")
    refused(rewritten(tmp_path / "mine", lambda c: c["adapter"].update(depth=60_000)), "depth 60000 is not")
    model.adapter = Choice(ChoiceConfig(8, 13))
    model.adapter.attach(model.generator)
    bundle.save(model, tmp_path / "other")
    refused(tmp_path / "other", "reads 13 numbers and its generator gives 12")
    model.adapter = Shift(ShiftConfig(8))
    bundle.save(model, tmp_path / "shift")
    refused(rewritten(tmp_path / "shift", lambda c: c.update(version="x" * 5000)), '"version" is')


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("z", "nowhere", "needs the input z"),
        ("image", "onnx", "no output onnx"),
        ("noise", 7, "takes 6 latents"),
        ("z_type", "float64", "no input z of float64"),
        ("z_shape", "map", "no input z of float32 and 4"),
        ("image_type", "uint8", "no output image of uint8"),
    ],
)
def test_a_bundled_graph_must_fit_what_is_said_of_it(
    field: str, value: Any, words: str, tmp_path: Path
) -> None:
    (tmp_path / "g.onnx").write_bytes(foreign_onnx.generator())
    bundle.save(import_file(tmp_path / "g.onnx").model, tmp_path / "mine")
    refused(rewritten(tmp_path / "mine", lambda c: c["generator"].update({field: value})), words)


def test_tensors_of_a_safetensors_file_may_be_anything(tmp_path: Path) -> None:
    state = {"a": torch.zeros(3, dtype=torch.int64), "b.weight": torch.zeros(2, 2, dtype=torch.bool)}
    path = tmp_path / "generator.safetensors"
    path.write_bytes(safetensors.torch.save(state))
    refused(path, "cannot be imported")


def test_a_tensor_of_a_hundred_dimensions(tmp_path: Path) -> None:
    entry = {"dtype": "F32", "shape": [1] * 100, "data_offsets": [0, 4]}
    header = json.dumps({"0.weight": entry}).encode()
    path = tmp_path / "generator.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + b"\0" * 4)
    refused(path, "has 100 dimensions")


@pytest.mark.parametrize(
    ("shape", "stride", "prefix", "words"),
    [
        ((1, 10), (2**70, 1), "", "no proper shape"),
        ((0, 2**70), (1, 1), "", "no proper shape"),
        ((10, 1), (1, 1), "module." * 3000, "cannot be imported"),
    ],
)
def test_absurd_shapes_and_names(shape: tuple[int, ...], stride: tuple[int, ...], prefix: str, words: str, tmp_path: Path) -> None:
    made = foreign_pickles.tensor(shape, stride), foreign_pickles.tensor((100, 1), (1, 1))
    tensors = [(f"{prefix}{i}.weight", value) for i, value in enumerate(made)]
    (tmp_path / "generator.pth").write_bytes(foreign_pickles.saved(foreign_pickles.table(tensors)))
    with pytest.raises(UserError, match=words) as told:
        import_file(tmp_path / "generator.pth")
    assert "Error)" not in str(told.value)


def test_an_empty_discriminator_beside(tmp_path: Path) -> None:
    state = foreign_torch.dcgan(4, 3, 16, width=4).state_dict()
    critic = {"0.weight": torch.zeros(0, 3, 4, 4), "1.weight": torch.zeros(1, 5)}
    assert import_file(saved(tmp_path, {"netG": state, "netD": critic})).model.resolution == 16


def test_what_nobody_thought_of_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path, foreign_torch.dcgan(4, 3, 16, width=4).state_dict())
    for error, words in (
        (ZeroDivisionError(), "damaged or cut short"),
        (RecursionError(), "damaged or cut short"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to"), "more memory"),
    ):

        def fail(*_: object, error: Exception = error) -> None:
            raise error

        monkeypatch.setattr("gan.formats.importing.layers.read", fail)
        refused(path, words)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("stride", 65536, "absurd steps"),  # torch's convolution ended the process
        ("output_padding", 1, "adds 1 pixels at a stride of 1"),
        ("norm_eps", -1.0, "an epsilon of -1"),
    ],
)
def test_layers_that_torch_cannot_run(field: str, value: float, words: str, tmp_path: Path) -> None:
    network = foreign_torch.lived(foreign_torch.dcgan(4, 3, 16, width=4), torch.randn(64, 10, 1, 1))
    bundle.save(import_file(saved(tmp_path, network.state_dict())).model, tmp_path / "mine")
    refused(rewritten(tmp_path / "mine", lambda c: c["generator"]["layers"][0].update({field: value})), words)
