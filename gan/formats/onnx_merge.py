"""A tuned ONNX generator as one graph: the adapter, the imported graph unchanged, and the conversion of its images to our range."""

from typing import Any

import torch
from torch import Tensor, nn

from gan.errors import UserError, reason
from gan.formats.onnx_proto import OPSET, to_proto
from gan.formats.program import input_names, quiet, trace_module, with_label
from gan.model import Model
from gan.networks.onnx_generator import After, OnnxConfig, OnnxGenerator
from gan.networks.onnx_graph import parse


class _Front(nn.Module):
    """z (N, z_dim), then psi and label if there are any -> the inputs of the imported graph, in its own formats."""

    def __init__(self, model: Model, generator: OnnxGenerator) -> None:
        super().__init__()
        self.adapter, self.before = model.adapter, generator.before
        self.names, self.classes, self.config = input_names(model)[1:], generator.classes, generator.config

    def forward(self, z: Tensor, *more: Tensor) -> tuple[Tensor, ...]:
        given = dict(zip(self.names, more, strict=True))
        if self.adapter is not None:
            z = self.adapter(z)
        if "label" in given:
            z = with_label(z, given["label"], self.classes)
        fed: tuple[Tensor, ...] = self.before(z)
        if "psi" in given:
            psi = given["psi"].to(getattr(torch, self.config.psi_type))
            fed = (*fed, psi.reshape((1,) * self.config.psi_rank))
        return fed


class _Back(nn.Module):
    """Output of the imported graph -> images (N, 3, R, R) in [-1, 1]."""

    def __init__(self, after: After) -> None:
        super().__init__()
        self.after = after

    def forward(self, raw: Tensor) -> Tensor:
        images: Tensor = self.after(raw)
        return images.clamp(-1.0, 1.0)


def merged(model: Model) -> Any:
    """Join the three graphs into one `onnx.ModelProto` with the same inputs and output as other exports.

    Raises
    ------
    UserError
        The graphs cannot be joined, for example because their operator sets cannot be converted to one version.
    """
    import onnx
    from onnx import compose

    generator = model.generator
    assert isinstance(generator, OnnxGenerator)
    config = generator.config
    original = parse(generator.graph.data)
    feeds = [
        "latent",
        *(["classes"] if config.label is not None else []),
        *(["truncation"] if config.psi is not None else []),
    ]
    takes = [name for name in (config.z, config.label, config.psi) if name is not None]
    names = input_names(model)
    front = to_proto(trace_module(_Front(model, generator).eval(), model.z_dim, names[1:]), names, feeds)
    back = to_proto(_trace_back(config), ["raw"], ["image"])
    try:
        front, original, back = _same_version([front, original, back])
        original = compose.add_prefix(original, "original/")
        back = compose.add_prefix(back, "after/", rename_inputs=True, rename_outputs=False)
        image = f"original/{config.image}"
        whole = compose.merge_models(
            front,
            original,
            io_map=[(feed, f"original/{name}") for feed, name in zip(feeds, takes, strict=True)],
            outputs=[image],
        )
        whole = compose.merge_models(whole, back, io_map=[(image, "after/raw")])
        for value in (whole.graph.input[0], whole.graph.output[0]):
            side = value.type.tensor_type.shape.dim[0]
            if config.batch:
                side.dim_value = config.batch
            else:
                side.dim_param = "batch"
        del whole.graph.value_info[:]  # shapes that no longer hold
        onnx.checker.check_model(whole)
    except (ValueError, RuntimeError, TypeError, onnx.checker.ValidationError) as error:
        raise UserError(
            f"{model.name} cannot be written as one ONNX file: its graph does not join with what tuning learnt "
            f"({reason(error)[:160]}); it can be exported as a bundle"
        ) from error
    del whole.metadata_props[:]
    return whole


def _trace_back(config: OnnxConfig) -> Any:
    side, channels = config.resolution, config.channels
    shape = (2, channels, side, side) if config.layout == "NCHW" else (2, side, side, channels)
    raw = torch.zeros(shape, dtype=getattr(torch, config.image_type))
    with quiet(), torch.no_grad():
        module = _Back(After(config)).eval()
        return torch.export.export(module, (raw,), dynamic_shapes=({0: torch.export.Dim("batch", min=1)},))


def _same_version(models: list[Any]) -> list[Any]:
    """The same graphs, all converted to the newest of their operator sets."""
    import onnx

    def version(model: Any) -> int:
        return max(
            (int(one.version) for one in model.opset_import if one.domain in ("", "ai.onnx")), default=OPSET
        )

    newest, layout = max(map(version, models)), max(int(model.ir_version) for model in models)
    made = []
    for model in models:
        if version(model) != newest:
            model = onnx.version_converter.convert_version(model, newest)
        model.ir_version = layout
        made.append(model)
    return made
