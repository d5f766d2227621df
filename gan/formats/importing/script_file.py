"""TorchScript and `.pt2` files: programs, not data. They are refused unless the user says that they trust the author.

With that consent the program is loaded, and run to convert it to an ONNX graph. From then on it is data like any other ONNX generator,
and the saved bundle holds no program.
"""

import io
import json
from collections.abc import Iterator, Mapping
from typing import Any

import torch

from gan.errors import reason
from gan.formats.importing import onnx_file
from gan.formats.importing.result import Imported, Option, Question
from gan.formats.importing.source import Source
from gan.formats.importing.values import Malformed
from gan.formats.onnx_proto import DEFAULTS, OPSET, need_onnx, to_proto
from gan.formats.program import quiet
from gan.formats.pt2 import ABOUT

TRUST = "trust_program"  # the question's key; `tastemaker import --trust-program` answers it
_SCRIPT_OPSET = 17
_WORDS = {"torchscript": "TorchScript", "pt2": "an exported torch program (.pt2)"}
_CONSENT = Question(
    TRUST,
    "This file is a program. Opening it runs what its maker wrote, with all that you may do on this computer. Do you trust them?",
    (
        Option("no", "No, do not run it", "a program can do anything that you can"),
        Option("yes", "Yes, run it", "only for files of your own, or from someone you trust"),
    ),
    "no",
)


def can_read(source: Source) -> bool:
    """Whether this is a TorchScript or a `.pt2` file."""
    return source.container in _WORDS


def read(source: Source, choices: Mapping[str, str]) -> Imported:
    """Convert the program to an ONNX generator, with consent. Raises `Malformed`, also without consent."""
    kind = _WORDS[source.container]
    if _CONSENT.answer(choices) != "yes":
        raise Malformed(
            f"it is {kind}: a program, which would have to be run. If you trust whoever wrote it, import it with "
            f"--trust-program (or choices {TRUST}=yes); better, ask for its weights as safetensors or a state_dict"
        )
    need_onnx()
    source.file.seek(0)
    data = io.BytesIO(source.file.read())
    try:
        made = _rewrite_script(data) if source.container == "torchscript" else _rewrite_program(data)
    except Malformed:
        raise
    except Exception as error:  # a foreign program may raise anything
        raise Malformed(
            f"it is {kind} that could not be rewritten as an ONNX graph ({reason(error)[:200]})"
        ) from error
    imported = onnx_file.from_bytes(
        made, source.path.stem, {key: value for key, value in choices.items() if key != TRUST}
    )
    imported.model.card["imported"] = {"from": kind}
    imported.what = imported.what.replace(
        "ONNX generator", f"{kind}, rewritten as ONNX".replace("an exported", "exported"), 1
    )
    imported.notes.insert(
        0, "It was run because you said that you trust it; what is kept of it is a graph, not the program."
    )
    imported.questions.insert(0, _CONSENT)
    return imported


def _rewrite_program(data: io.BytesIO) -> bytes:
    said = {ABOUT: ""}
    with quiet(), torch.no_grad():
        program: Any = torch.export.load(data, extra_files=said)
    about = _ours(said[ABOUT])
    names = list(program.graph_signature.user_inputs)
    if not names or not all(isinstance(name, str) for name in names):
        raise Malformed("its program takes no tensors")
    outputs = [f"image{i or ''}" for i in range(len(program.graph_signature.user_outputs))]
    if about and len(about["inputs"]) == len(names) and outputs == ["image"]:
        names = about.pop("inputs")
    proto = to_proto(program, names, outputs)
    for key, value in about.items():
        entry = proto.metadata_props.add()
        entry.key, entry.value = key, str(value)
    return bytes(proto.SerializeToString())


def _ours(text: str | bytes) -> dict[str, Any]:
    """The metadata of a `.pt2` written by this library, which names the graph's inputs and the range of its pixels; {} for any other."""
    try:
        about = json.loads(text or "{}")
    except ValueError:
        return {}
    names = about.get("inputs") if isinstance(about, dict) else None
    known = isinstance(names, list) and names[:1] == ["z"] and set(names[1:]) <= set(DEFAULTS)
    return about if known else {}


def _rewrite_script(data: io.BytesIO) -> bytes:
    with quiet(), torch.no_grad():
        script: Any = torch.jit.load(data, map_location="cpu").eval()
        example = _fitting_latents(script)
        made = io.BytesIO()
        # The newer exporter (dynamo) does not accept TorchScript.
        torch.onnx.export(
            script,
            (example,),
            made,  # type: ignore[arg-type]
            dynamo=False,
            opset_version=min(OPSET, _SCRIPT_OPSET),
            input_names=["z"],
            output_names=["image"],
            dynamic_axes={"z": {0: "batch"}, "image": {0: "batch"}},
        )
    return made.getvalue()


def _fitting_latents(script: Any) -> torch.Tensor:
    """Two latents from which the script draws images. Their width is not recorded, so the dimensions of its weights are tried."""
    for width in _widths(script):
        for shape in ((2, width), (2, width, 1, 1)):
            z = torch.randn(shape, generator=torch.Generator().manual_seed(0))
            try:
                drawn = script(z)
            except Exception:  # a script may raise anything at a wrong shape
                continue
            if isinstance(drawn, torch.Tensor) and drawn.ndim == 4 and len(drawn) == 2:
                return z
    raise Malformed("its script draws no images from latents of any width that its weights suggest")


def _widths(script: Any) -> Iterator[int]:
    """Dimensions 1 and 0 of the first eight parameters, in order and without duplicates, up to 8192."""
    seen: set[int] = set()
    for value in list(script.parameters())[:8]:
        for side in (value.shape[1:2] or value.shape) + value.shape[:1]:
            if side not in seen and side <= 8192:
                seen.add(side)
                yield int(side)
