"""StyleGAN3's pickles: drawn as they were, everything read off the file; what does not fit is said before memory is spent on it."""

import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import foreign_stylegan as foreign
import numpy as np
import pytest
import torch
from stylegan2_reference import small_discriminator
from stylegan3_reference import small_generator3

from gan.errors import UserError
from gan.formats.importing import Imported, import_file
from gan.networks import latents
from gan.networks.stylegan3 import StyleGAN3
from gan.networks.stylegan3_layers import FilterConfig


def taken(tmp_path: Path, data: bytes, choices: dict[str, str] | None = None) -> Imported:
    path = tmp_path / "stylegan3-snapshot.pkl"
    path.write_bytes(data)
    return import_file(path, choices)


def same(found: Imported, generator: StyleGAN3) -> None:
    z = latents(range(3), generator.z_dim)
    with torch.no_grad():
        for psi in (1.0, 0.5):
            assert torch.equal(found.model.generator(z, psi), generator(z, psi))


SHAPES: list[tuple[dict[str, Any], str]] = [
    ({}, "StyleGAN3-T"),
    ({"classes": 4, "radial": 2}, "StyleGAN3-R"),
    ({"image_channels": 1, "layers": 4, "resolution": 32, "output_scale": 0.5}, "StyleGAN3-T"),
    ({"classes": 2, "radial": 1, "filters": FilterConfig(3, 4, 2, None)}, "StyleGAN3"),
    ({"filters": FilterConfig(3, 5, 4, 2.0)}, "StyleGAN3-T"),
]


@pytest.mark.parametrize(("how", "family"), SHAPES, ids=str)
def test_every_shape_is_read_off_the_file(tmp_path: Path, how: dict[str, Any], family: str) -> None:
    generator = small_generator3(**how)
    found = taken(tmp_path, foreign.run(generator))
    assert found.model.generator.config == generator.config
    same(found, generator)
    assert found.what.startswith(f"{family}, {generator.resolution} px, ")
    assert found.notes == ["It holds no discriminator: realism cannot be judged."]
    assert found.licence is not None and "research" in found.licence
    assert "NVIDIA" in found.model.card["licence"] and found.model.card["imported"]["from"] == family


def test_its_discriminator_comes_along(tmp_path: Path) -> None:
    generator, judge = small_generator3(classes=3), small_discriminator(classes=3)
    found = taken(tmp_path, foreign.run(generator, judge))
    images = torch.rand(3, 3, 16, 16) * 2 - 1
    assert found.model.discriminator is not None and found.notes == []
    assert torch.equal(found.model.discriminator.judge(images)[1], judge.judge(images)[1])
    found = taken(tmp_path, foreign.run(small_generator3(resolution=32), judge))
    assert found.model.discriminator is None and "images of 16 px" in found.notes[0]


def test_a_class_can_be_chosen(tmp_path: Path) -> None:
    generator = small_generator3(classes=3)
    data = foreign.run(generator)
    (question,) = taken(tmp_path, data).settled
    assert (question.key, question.best, len(question.options)) == ("label", "any", 4)
    assert taken(tmp_path, data, {"label": "2"}).model.generator.config == replace(generator.config, label=2)
    with pytest.raises(UserError, match="label cannot be"):
        taken(tmp_path, data, {"label": "3"})


def test_what_a_file_lacks_and_can_be_known(tmp_path: Path) -> None:
    """Filters are designed, as the paper says; the mean style is estimated."""
    generator = small_generator3()
    module = foreign.generator3(generator)
    for name in generator.config.names[:-1]:
        for kind in ("up_filter", "down_filter"):
            del module.part("synthesis", name).state["_buffers"][kind]
    found = taken(tmp_path, foreign.pickled({"G_ema": module}))
    assert found.model.generator.config == generator.config
    same(found, generator)
    del module.part("mapping").state["_buffers"]["w_avg"]
    estimated = taken(tmp_path, foreign.pickled({"G_ema": module})).model.generator
    assert isinstance(estimated, StyleGAN3)
    w = generator.styles(latents(range(9000, 9500), 12))
    assert (estimated.w_avg - w.mean(dim=0)).abs().max() < 0.2 * w.std(dim=0).mean()


def test_weights_go_back_into_the_code_they_came_from(tmp_path: Path) -> None:
    generator = small_generator3(classes=3, radial=1)
    found = taken(tmp_path, foreign.run(generator)).model.generator
    module, names = foreign.generator3(generator), set()
    for name, value in (found.original_state_dict() or {}).items():
        *path, last = name.split(".")
        state = module.part(*path).state
        assert torch.equal(value, {**state["_parameters"], **state["_buffers"]}[last])
        names.add(name)
    first = f"synthesis.{generator.config.names[0]}"
    assert {"mapping.w_avg", "mapping.embed.weight", "synthesis.input.freqs", f"{first}.magnitude_ema", f"{first}.down_filter"} <= names


# ---------------------------------------------------------------------------------------------------------------- refusals

FIRST, SECOND, _, LAST = small_generator3().config.names
Change = Callable[[foreign.Persistent], None]


def _set(*path: str, **attributes: Any) -> Change:
    return lambda module: module.part(*path).state.update(attributes)


def _drop(*path: str) -> Change:
    def change(module: foreign.Persistent) -> None:
        for kind in ("_parameters", "_buffers", "_modules"):
            module.part(*path[:-1]).state[kind].pop(path[-1], None)

    return change


def _rename(old: str, new: str) -> Change:
    def change(module: foreign.Persistent) -> None:
        inner = module.part("synthesis").state["_modules"]
        inner[new] = inner.pop(old)

    return change


def _tensor(name: str, value: torch.Tensor) -> Change:
    return lambda module: module.put(name, value if "magnitude" in name or "filter" in name else torch.nn.Parameter(value, False))


def _all(**attributes: Any) -> Change:
    def change(module: foreign.Persistent) -> None:
        for name in (FIRST, SECOND, *small_generator3().config.names[2:]):
            module.part("synthesis", name).state.update(attributes)

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_drop("synthesis", SECOND, "weight"), rf"lacks 1 of its tensors \(synthesis.{SECOND}.weight\)"),
        (_drop("synthesis", SECOND, "magnitude_ema"), "lacks 1 of its tensors"),
        (_drop("synthesis", "input", "freqs"), r"lacks 1 of its tensors \(synthesis.input.freqs\)"),
        (_drop("synthesis", SECOND), "lacks layers"),
        (_drop("synthesis", "input"), "lacks the part input"),
        (_drop("mapping"), "descendant of StyleGAN3"),
        (_drop("mapping", "fc0"), "lacks the part fc1|lacks the tensor|lacks the part fc0"),
        (_rename(FIRST, "L0_60000_6"), "cannot be run: a layer that takes more memory"),
        (_rename(SECOND, "L1_24_99999"), "cannot be run|has the shape"),
        (_rename(LAST, "L3_32_3"), "the last layers do not have"),
        (_rename(LAST, "L3_16_4"), "4 channels are no image"),
        (_rename(FIRST, "L0_0_6"), "not StyleGAN3's"),
        (_rename(FIRST, "L1_25_6"), "lacks layers"),
        (_set("synthesis", FIRST, out_sampling_rate=2**40), "no size"),
        (_set("synthesis", FIRST, out_sampling_rate=16.5), "no size"),
        (_set("synthesis", FIRST, out_cutoff="all"), "out_cutoff that is no number"),
        (_set("synthesis", FIRST, out_cutoff=np.float64("nan")), "out_cutoff that is no number"),
        (_set("synthesis", FIRST, out_half_width=-1.0), "no positive number"),
        (_set("synthesis", FIRST, tmp_sampling_rate=64), "not StyleGAN3's|has the shape|samples"),
        (_set("synthesis", SECOND, padding=[9, 8, 9, 9]), "not StyleGAN3's"),
        (_set("synthesis", LAST, up_factor=2), "not StyleGAN3's"),
        (_set("synthesis", "input", bandwidth=3.0), "not StyleGAN3's"),
        (_set("synthesis", SECOND, conv_clamp=3), "clamped at different values"),
        (_all(conv_clamp=0), "clamp is 0"),
        (_set("synthesis", output_scale=0), "output_scale is 0"),
        (_set("synthesis", output_scale=float("inf")), "output_scale that is no number"),
        (_set("mapping", "fc0", bias_gain=0.5), "different learning rates"),
        (_tensor(f"synthesis.{SECOND}.weight", torch.zeros(6, 6, 2, 2)), "has the shape"),
        (_tensor(f"synthesis.{FIRST}.weight", torch.zeros(6, 6, 7, 7)), "convolutions of 7 by 7"),
        (_tensor(f"synthesis.{FIRST}.bias", torch.zeros(6) / 0), "not finite"),
        (_tensor(f"synthesis.{FIRST}.magnitude_ema", torch.tensor(0.0)), "not positive"),
        (_tensor(f"synthesis.{FIRST}.up_filter", torch.ones(12, 12)), "has the shape"),
        (_tensor(f"synthesis.{SECOND}.affine.weight", torch.zeros(1).expand(2**20, 10)), "has the shape|larger than the file"),
        (_set("synthesis", head_layer_names=["L9_16_8"]), "descendant of StyleGAN3"),
        (lambda module: module.part("mapping", "embed_proj"), "descendant of StyleGAN3"),
        (lambda module: module.part("synthesis", "b4"), "descendant of StyleGAN3"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_what_does_not_fit_is_said_in_one_line(tmp_path: Path, change: Change, words: str) -> None:
    module = foreign.generator3(small_generator3())
    change(module)
    tracemalloc.start()
    try:
        with pytest.raises(UserError, match=words) as caught:
            taken(tmp_path, foreign.pickled({"G_ema": module}))
        assert tracemalloc.get_traced_memory()[1] < 50e6
    finally:
        tracemalloc.stop()
    assert "\n" not in str(caught.value) and "stylegan3-snapshot" in str(caught.value)
