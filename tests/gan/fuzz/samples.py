"""Valid files of every reader, made once: what is damaged."""

import argparse
import io
import pickle
import tempfile
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import foreign_biggan
import foreign_fastgan
import foreign_lucidrains
import foreign_onnx
import foreign_residual
import foreign_stylegan
import foreign_torch
import torch
from stylegan2_reference import small_discriminator, small_generator
from torch import nn

from gan.formats import bundle
from gan.formats.importing import import_file
from gan.networks.lightweight import LightweightConfig
from gan.networks.lucidrains_stylegan2 import LucidStyleGAN2Config


def saved(content: Any, legacy: bool = False) -> bytes:
    stream = io.BytesIO()
    torch.save(content, stream, _use_new_zipfile_serialization=not legacy)
    return stream.getvalue()


def _state(network: nn.Module) -> dict[str, Any]:
    return dict(network.state_dict())


@cache
def layers() -> list[Any]:
    """What checkpoints of plain layers hold."""
    made = foreign_torch.lived(foreign_torch.dcgan(4, 3, 16, width=4), torch.randn(64, 10, 1, 1))
    bare = foreign_torch.dcgan(5, 1, 28, batch_norm=False, stem=True, width=4)
    flat = foreign_torch.mlp((6, 10, 64))
    critic = nn.Sequential(nn.Conv2d(3, 4, 4, 2, 1), nn.Conv2d(4, 1, 4))
    folded = nn.utils.parametrizations.spectral_norm(nn.Linear(6, 64))
    run = {
        "netG": _state(made),
        "netD": _state(critic),
        "epoch": 3,
        "args": argparse.Namespace(lr=0.1),
        "optim": {"state": {0: {"step": 1}}},
    }
    return [
        _state(made),
        _state(bare),
        _state(flat),
        run,
        _state(nn.Sequential(nn.Linear(4, 6), nn.ReLU(), folded)),
        _state(foreign_residual.Lettered(widths=(4, 3, 3), wrap=nn.utils.spectral_norm)),
        _state(nn.ModuleDict({"label_emb": nn.Embedding(3, 2), "model": foreign_torch.mlp((6, 10, 64))})),
    ]


@cache
def torch_files() -> list[bytes]:
    legacy = [saved(value, True) for value in layers()]
    style = foreign_stylegan.run(small_generator(resolution=8, channels=(3, 2)))
    return [
        *legacy,
        *(saved(value) for value in layers()[2:]),
        style,
        pickle.dumps({"a": [1, (2.5, "x")], "b": b"x" * 40, "c": {1, 2}}),
    ]


@cache
def rosinality() -> list[Any]:
    return [foreign_stylegan.rosinality(small_generator(resolution=8, channels=(3, 2), names="rosinality"),
                                        small_discriminator(resolution=8, channels=(2, 3)))]  # fmt: skip


@cache
def lucidrains() -> list[Any]:
    return [
        foreign_lucidrains.lightweight(LightweightConfig(4, 32, 3, (4, 4, 4), "global", (False,) * 3)),
        foreign_lucidrains.lightweight(
            LightweightConfig(4, 32, 1, (4, 4, 4), "frequency", (False, True, False))
        ),
        foreign_lucidrains.stylegan2(
            LucidStyleGAN2Config(4, 16, 3, (4, 4, 4), 2, 0.1, True, (False, True, False))
        ),
    ]


@cache
def fastgan() -> list[Any]:
    small = foreign_fastgan.FastGan((4, 4, 4), 4, small=8)
    large = foreign_fastgan.FastGan((4, 4, 4, 4, 2), 4, 1, normed=foreign_fastgan.parametrized)
    return [foreign_fastgan.checkpoint(small, small), large.state_dict()]


@cache
def biggan() -> list[Any]:
    shapes = (foreign_biggan.Shape((8, 8, 8), 6, attention=1), foreign_biggan.Shape((8, 8, 4), 4, 2, 3, deep=True, kept="counted"))
    return [foreign_biggan.BigGan(shape).state_dict() for shape in shapes]


@cache
def graphs() -> list[bytes]:
    hows: tuple[dict[str, Any], ...] = (
        {}, {"label": "index", "psi": "psi"}, {"layout": "NHWC", "batch": 4, "opset": 11}, {"inputs": "map", "elem": "float16"},
        {"label": "onehot", "tail": ("Sigmoid",), "scale": 255.0, "as_bytes": True}, {"label": "column", "batch": 1},
    )  # fmt: skip
    return [foreign_onnx.generator(**how) for how in hows]


@cache
def bundles() -> list[dict[str, bytes]]:
    """A bundle of every kind of generator, each as its files."""
    from gan.model import Model
    from gan.networks import Discriminator, DiscriminatorConfig, Generator, GeneratorConfig
    from gan.networks.adapter import Choice
    from gan.networks.registry import adapters

    compact = Model("own", Generator(GeneratorConfig(resolution=16, z_dim=4, w_dim=6, channels=(4, 3, 2))), None,
                    Discriminator(DiscriminatorConfig(resolution=16, channels=(3, 4), features=5)), {"licence": "CC0-1.0"})  # fmt: skip
    made = []
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "s.pth").write_bytes(saved(layers()[0]))
        (place / "m.pth").write_bytes(saved(layers()[2]))
        (place / "c.pth").write_bytes(saved(layers()[5]))
        (place / "l.pt").write_bytes(saved(lucidrains()[0]))
        (place / "t.pt").write_bytes(saved(lucidrains()[2]))
        (place / "f.pth").write_bytes(saved(fastgan()[0]))
        (place / "b.pth").write_bytes(saved(biggan()[0]))
        (place / "n.pkl").write_bytes(
            foreign_stylegan.run(
                small_generator(resolution=8, channels=(3, 2)),
                small_discriminator(resolution=8, channels=(2, 3)),
            )
        )
        (place / "o.onnx").write_bytes(graphs()[0])
        models = [
            compact,
            *(
                import_file(place / name).model
                for name in ("s.pth", "m.pth", "c.pth", "l.pt", "t.pt", "f.pth", "b.pth", "n.pkl", "o.onnx")
            ),
        ]
        for number, model in enumerate(models):
            if number % 2 == 0:
                kind = adapters[("residual", "choice")[number // 2 % 2]]
                more = {"inputs": model.generator.embed_dim} if kind.build is Choice else {}
                model.adapter = kind.build(kind.config(z_dim=model.z_dim, **more))
            bundle.save(model, place / str(number))
            made.append({file.name: file.read_bytes() for file in (place / str(number)).iterdir()})
    return made


@cache
def programs() -> dict[str, bytes]:
    """TorchScript and `.pt2`: recognised, never opened."""
    network = foreign_torch.mlp((6, 10, 64)).eval()
    script, program = io.BytesIO(), io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.trace(network, torch.zeros(2, 6)), script)
        torch.export.save(torch.export.export(network, (torch.zeros(2, 6),)), program)
    return {"script.pt": script.getvalue(), "program.pt2": program.getvalue()}


@cache
def anything() -> list[tuple[str, bytes]]:
    from test_import_security import HOSTILE

    hostile = [("hostile.pth", make(Path("nowhere"))) for make in HOSTILE.values()]
    heads = (
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff",
        b"\x89HDF\r\n\x1a\n",
        b"PK\x03\x04",
        b"\x80\x02",
        b"\x08\x08\x12",
        b"text\n",
        b"GIF8",
        b"RIFF",
    )
    return [
        *hostile,
        *(("any.bin", head + b"\0" * 100) for head in heads),
        *(("any.onnx", head) for head in heads),
        *programs().items(),
    ]


def hostile(folder: Path) -> dict[str, tuple[str, bytes]]:
    """The hostile files of the tests, by what they are: a file's name and its bytes. Their payloads would write into `folder`."""
    from foreign_pickles import HEAVY
    from test_import_security import HOSTILE
    from test_onnx_generator import REFUSED

    made = {what: ("generator.pth", make(folder)) for what, make in HOSTILE.items()}
    made |= {what: ("generator.pth", make()) for what, make in HEAVY.items()}
    return made | {f"ONNX: {what}": ("generator.onnx", make()) for what, (make, _) in REFUSED.items()}
