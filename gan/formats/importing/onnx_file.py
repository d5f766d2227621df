"""ONNX generators: finds the input for latents, the output with images, and the range of its values, from the graph and a trial run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch

from gan.formats.importing.ask import label_question
from gan.formats.importing.onnx_beside import with_weights
from gan.formats.importing.result import Imported, Option, Question
from gan.formats.importing.source import Source
from gan.formats.importing.values import Malformed
from gan.model import Model
from gan.networks import latents
from gan.networks.onnx_cost import work
from gan.networks.onnx_generator import FILE, OnnxConfig, OnnxGenerator
from gan.networks.onnx_graph import LARGEST, Graph, parse

_FLOATS = {1: "float32", 10: "float16", 11: "float64"}  # onnx.TensorProto.DataType
_IMAGES = {**_FLOATS, 2: "uint8"}
_LABELS = {1: "float32", 6: "int32", 7: "int64"}
_PSI = {"psi", "truncation", "truncation_psi", "trunc", "trunc_psi"}
_CLASS = {"label", "labels", "c", "class", "classes", "class_label", "class_labels", "y", "class_vector"}
_LATENT = ("z", "latent", "latents", "noise", "input")  # prefixes of an input's name, the most likely first
_WIDEST, _SIDES = 8192, (8, 4096)
_TRIAL = 16  # images
_TRIAL_WORK = 300_000_000_000  # multiplications in the trial run, unless a single image takes more
_MOST_TOLD = 4  # reasons in an error message
Values = Literal["signed", "unit", "bytes"]


@dataclass(frozen=True)
class Port:
    """An input or output: its name, its `TensorProto.DataType`, and its shape, with None for dimensions of any size."""

    name: str
    type: int
    shape: tuple[int | None, ...]
    optional: bool  # the graph has a default for it


def can_read(source: Source) -> bool:
    """Whether this is an ONNX file."""
    return source.container == "onnx"


def read(source: Source, choices: Mapping[str, str]) -> Imported:
    """Read the generator in an ONNX file. Raises `Malformed`."""
    if source.size > LARGEST:
        raise Malformed(f"it is larger than {LARGEST // 1_000_000} MB")
    source.file.seek(0)
    return from_bytes(with_weights(source.file.read(), source.path), source.path.stem, choices)


def from_bytes(data: bytes, name: str, choices: Mapping[str, str]) -> Imported:
    """Read the generator in the bytes of an ONNX file.

    Raises
    ------
    Malformed
        It is no graph that draws images from latents, or it has inputs or operators that no generator needs.
    """
    try:
        proto = parse(data)
        return _describe(proto, data, name, choices)
    except ValueError as error:
        raise error if isinstance(error, Malformed) else Malformed(str(error)) from error


def _describe(proto: Any, data: bytes, name: str, choices: Mapping[str, str]) -> Imported:
    said = {entry.key: entry.value for entry in proto.metadata_props}
    ours = said.get("generated_by", "").startswith("Tastemaker")
    inputs, outputs = _ports(proto, proto.graph.input), _ports(proto, proto.graph.output)
    z, psi, label = _inputs(inputs)
    if ours and label is not None and label.optional:
        label = None  # in our own files z can select the class too
    fields: dict[str, Any] = {"z": z.name, "noise": int(z.shape[1] or 0), "batch": z.shape[0] or 0}
    fields["z_shape"] = "flat" if len(z.shape) == 2 else "map"
    fields["z_type"] = _FLOATS[z.type]
    if psi is not None:
        fields |= {"psi": psi.name, "psi_rank": len(psi.shape), "psi_type": _FLOATS[psi.type]}
    questions: list[Question] = []
    if label is not None:
        fields |= _labels(proto, label)
        question = label_question(fields["classes"])
        questions.append(question)
        chosen = question.answer(choices)
        fields["fixed_label"] = None if chosen == "latent" else int(chosen)
    candidates = [port for port in outputs if port.type in _IMAGES and len(port.shape) in {0, 4}]
    if not candidates:
        raise Malformed(f"it gives no images: its outputs are {_listed(outputs)}")
    drawn, port, fields = _trial(Graph(data), candidates, fields, max(1, min(_TRIAL, _TRIAL_WORK // max(work(proto), 1))))
    values, value_question = ("signed", None) if ours else _values(proto, drawn, port)
    if value_question is not None:
        questions.append(value_question)
        values = value_question.answer(choices)  # type: ignore[assignment]
    prior = "normal"
    if not ours:
        questions.append(_PRIOR)
        prior = _PRIOR.answer(choices)
    config = OnnxConfig(**fields, prior=prior, values=values)  # type: ignore[arg-type]
    generator = OnnxGenerator(config)
    generator.attach({FILE: data})
    model = Model(name, generator, None, None, _card(said, proto))
    what = f"ONNX generator, {config.resolution} px, {config.noise} latents"
    what += f", {config.classes} classes" if config.classes else ""
    notes = [
        "Its graph is run as it is; tuning moves the latents in front of it.",
        "There is no discriminator with it: realism is off.",
    ]
    if config.batch:
        notes.append(
            f"Its graph draws {config.batch} image{'s' if config.batch > 1 else ''} at a time, and no other number."
        )
    licence = said.get("licence") or said.get("license")
    if ours:
        model.name = " ".join(said.get("name", "").split())[:200] or name
        licence = None if licence == "unknown" else licence
    return Imported(model, what, notes, licence, questions)


def _ports(proto: Any, values: Any) -> list[Port]:
    held = {tensor.name for tensor in proto.graph.initializer}
    ports = []
    for value in values:
        tensor = value.type.tensor_type
        shape = tuple(side.dim_value if side.HasField("dim_value") else None for side in tensor.shape.dim)
        ports.append(Port(value.name, tensor.elem_type, shape, value.name in held))
    if any(len(port.name) > 200 for port in ports):
        raise Malformed("its inputs have names too long to be real")
    return ports


def _listed(ports: Sequence[Port]) -> str:
    words = [
        f"{port.name:.40} {tuple('any' if side is None else side for side in port.shape)}"
        for port in ports[:6]
    ]
    return ", ".join(words).replace("'", "") or "none"


def _inputs(ports: list[Port]) -> tuple[Port, Port | None, Port | None]:
    """Find the inputs for the latent, for truncation and for the label; None for the last two if there are none."""
    psi = next(
        (
            p
            for p in ports
            if _word(p) in _PSI and p.type in _FLOATS and set(p.shape) <= {1, None} and len(p.shape) < 2
        ),
        None,
    )
    label = next(
        (p for p in ports if _word(p) in _CLASS and p.type in _LABELS and 0 <= len(p.shape) <= 2), None
    )
    rest = [p for p in ports if p is not psi and p is not label and not p.optional]
    able = [p for p in rest if p.type in _FLOATS and _is_latent(p.shape)]
    if not able and label is not None and _is_latent(label.shape) and label.type in _FLOATS:
        able, rest, label = [label], [label, *rest], None  # a latent with an unusual name
    if not able:
        raise Malformed(f"none of its inputs takes latents of a fixed width: they are {_listed(ports)}")
    able.sort(
        key=lambda p: next((i for i, word in enumerate(_LATENT) if _word(p).startswith(word)), len(_LATENT))
    )
    more = [p for p in rest if p is not able[0]]
    if more:
        raise Malformed(f"it needs inputs that a generator of latents does not have: {_listed(more)}")
    return able[0], psi, label


def _word(port: Port) -> str:
    return port.name.rpartition("/")[2].rpartition(".")[2].lower()


def _is_latent(shape: tuple[int | None, ...]) -> bool:
    flat = len(shape) == 2 or (len(shape) == 4 and shape[2] == shape[3] == 1)
    return (
        flat
        and shape[1] is not None
        and 1 <= shape[1] <= _WIDEST
        and (shape[0] is None or 1 <= shape[0] <= 1024)
    )


def _labels(proto: Any, port: Port) -> dict[str, Any]:
    """The fields of `OnnxConfig` for the label: name, form, type and number of classes."""
    form, classes = "index", 0
    if len(port.shape) == 2 and port.shape[1] not in {1, None}:
        form, classes = "onehot", int(port.shape[1] or 0)
    elif len(port.shape) == 2:
        form = "column"
    if port.type == 1 and form != "onehot":
        raise Malformed(f"its input {port.name:.40} takes labels as fractions, which is not known here")
    sizes = {tensor.name: tuple(tensor.dims) for tensor in proto.graph.initializer}
    for node in proto.graph.node:
        if (
            not classes
            and node.op_type == "Gather"
            and len(node.input) == 2
            and len(sizes.get(node.input[0], ())) == 2
        ):
            classes = int(sizes[node.input[0]][0])  # an embedding has a row per class
    if not 1 <= classes <= 65536:
        raise Malformed(f"it does not say how many classes its input {port.name:.40} takes")
    return {"label": port.name, "label_form": form, "label_type": _LABELS[port.type], "classes": classes}


def _trial(
    graph: Graph, candidates: list[Port], fields: dict[str, Any], count: int
) -> tuple[np.ndarray, Port, dict[str, Any]]:
    """Draw `count` images. Returns pixels (N, H, W, C), C at most 3, in the graph's own range; the output used; and the filled `fields`."""
    problems = []
    for port in sorted(candidates, key=lambda p: not _word(p).startswith(("image", "img", "rgb", "output"))):
        guess = OnnxConfig(**fields, resolution=1, image=port.name)
        raw = _run(graph, guess, count)
        layout: Literal["NCHW", "NHWC"] = "NCHW"
        if raw.ndim == 4 and raw.shape[1] not in {1, 3, 4} and raw.shape[3] in {1, 3, 4}:
            layout = "NHWC"
        pixels = raw.transpose(0, 2, 3, 1) if raw.ndim == 4 and layout == "NCHW" else raw
        if raw.ndim != 4 or pixels.shape[3] not in {1, 3, 4}:
            problems.append(f"{port.name:.40} is {raw.shape}")
        elif pixels.shape[1] != pixels.shape[2]:
            problems.append(
                f"{port.name:.40} is {pixels.shape[2]} by {pixels.shape[1]} pixels, and only squares are known here"
            )
        elif not _SIDES[0] <= pixels.shape[1] <= _SIDES[1]:
            problems.append(f"{port.name:.40} is {pixels.shape[1]} pixels wide")
        elif not np.isfinite(pixels).all():
            problems.append(f"{port.name:.40} holds numbers that are not finite")
        else:
            fields |= {"image": port.name, "image_type": _IMAGES[port.type], "channels": int(pixels.shape[3])}
            return pixels[..., :3], port, {**fields, "layout": layout, "resolution": int(pixels.shape[1])}
    told = list(dict.fromkeys(problems))
    more = "; ..." if len(told) > _MOST_TOLD else ""
    raise Malformed(f"it gives no images: {'; '.join(told[:_MOST_TOLD])}{more}")


@torch.no_grad()
def _run(graph: Graph, config: OnnxConfig, count: int) -> np.ndarray:
    z = latents(range(config.batch or count), config.z_dim)
    given = [part.numpy() for part in OnnxGenerator(config).before(z)]
    feeds = dict(zip([config.z, *([config.label] if config.label else [])], given, strict=True))
    if config.psi is not None:
        feeds[config.psi] = np.ones((1,) * config.psi_rank, config.psi_type)
    drawn = graph.run(config.image, feeds)
    if drawn.shape[:1] != (len(z),):
        raise Malformed(f"{len(z)} latents give {len(drawn) if drawn.ndim else 'a single number, not'} images")
    return drawn.astype(np.float32) if drawn.dtype != np.uint8 else drawn


def _values(proto: Any, drawn: np.ndarray, port: Port) -> tuple[Values, Question | None]:
    """The range of pixel values, and a question if that is a guess."""
    low, high = float(drawn.min()), float(drawn.max())
    tail = _last_operator(proto, port.name)
    seen = f"a trial gave {low:.2f} to {high:.2f}"
    if port.type == 2:
        return "bytes", None
    sure: dict[str, Values] = {"Tanh": "signed", "Sigmoid": "unit"}
    if tail in sure:
        return sure[tail], None
    if high > 8.0 and low > -64.0:
        ranked: list[Values] = ["bytes", "signed", "unit"]
    elif low < -0.1:
        return "signed", None  # nothing else goes below zero
    else:
        ranked = ["unit", "signed", "bytes"]
    labels = {"signed": "-1 to 1", "unit": "0 to 1", "bytes": "0 to 255"}
    options = tuple(Option(value, labels[value], seen if value == ranked[0] else "") for value in ranked)
    return ranked[0], Question("values", "What range do its pixels have?", options, ranked[0])


def _last_operator(proto: Any, output: str) -> str:
    """The operator that computes the values of an output; operators that only move or convert values are skipped."""
    makers = {name: node for node in proto.graph.node for name in node.output}
    for _ in range(16):
        node = makers.get(output)
        if node is None:
            return ""
        if node.op_type not in {"Identity", "Transpose", "Cast", "Reshape", "Squeeze", "Unsqueeze"}:
            return str(node.op_type)
        output = node.input[0]
    return ""


_PRIOR = Question(
    "prior",
    "What were its latents drawn from in training?",
    (
        Option("normal", "a normal distribution, N(0, 1)", "most generators are"),
        Option("uniform", "evenly from -1 to 1", "some early ones are"),
    ),
    "normal",
)


def _card(said: Mapping[str, str], proto: Any) -> dict[str, Any]:
    card: dict[str, Any] = {"data": {"kind": "unknown"}, "imported": {"from": "ONNX"}}
    if proto.producer_name:
        card["imported"]["written_by"] = f"{proto.producer_name[:60]} {proto.producer_version[:20]}".strip()
    for key in ("name", "model_hash", "author"):
        if said.get(key):
            card["imported"][key] = said[key][:200]
    if licence := said.get("licence") or said.get("license"):
        card["licence"] = licence[:200]
    return card
