"""StyleGAN checkpoints of other programs: drawn as they were, everything read off the file, nothing in it executed."""

import copy
import os
import pickle
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import foreign_stylegan as foreign
import pytest
import torch
from stylegan2_reference import small_discriminator, small_generator

from gan.errors import UserError
from gan.formats.importing import Imported, import_file
from gan.formats.importing.source import open_source
from gan.formats.importing.stylegan_fit import fill
from gan.formats.importing.values import Malformed
from gan.networks import latents
from gan.networks.stylegan2 import StyleGAN2, StyleGAN2Config
from gan.networks.stylegan2_discriminator import StyleGAN2Discriminator
from gan.networks.stylegan2_layers import MappingConfig


def taken(tmp_path: Path, data: bytes, choices: dict[str, str] | None = None) -> Imported:
    path = tmp_path / "network-snapshot-000100.pkl"
    path.write_bytes(data)
    return import_file(path, choices)


def same(found: Imported, generator: StyleGAN2, discriminator: StyleGAN2Discriminator | None = None) -> None:
    """It draws and judges what the original does."""
    z = latents(range(3), generator.z_dim)
    with torch.no_grad():
        for psi in (1.0, 0.5):
            assert torch.equal(found.model.generator(z, psi), generator(z, psi))
        if discriminator is not None:
            images = torch.rand(3, 3, 16, 16) * 2 - 1
            assert found.model.discriminator is not None
            assert torch.equal(found.model.discriminator.judge(images)[1], discriminator.judge(images)[1])


SHAPES: list[dict[str, Any]] = [
    {"architecture": "skip", "classes": 0},
    {"architecture": "resnet", "classes": 4, "clamp": 256.0},
    {"architecture": "orig", "classes": 2, "image_channels": 1, "filter_taps": 3},
    {"architecture": "skip", "classes": 0, "activation": "relu", "noise_inputs": False},
    {"architecture": "resnet", "classes": 0, "filter_taps": 8},
]


@pytest.mark.parametrize("how", SHAPES, ids=str)
def test_every_shape_is_read_off_the_file(tmp_path: Path, how: dict[str, Any]) -> None:
    generator = small_generator(**how)
    shared = {key: value for key, value in how.items() if key != "noise_inputs"}
    discriminator = small_discriminator(**shared, deviation_group=2, deviation_maps=2)
    found = taken(tmp_path, foreign.run(generator, discriminator))
    assert found.model.generator.config == generator.config
    assert found.model.discriminator is not None and found.model.discriminator.config == discriminator.config
    same(found, generator, discriminator)
    assert found.notes == []
    assert found.licence is not None and "research" in found.licence
    assert "NVIDIA" in found.model.card["licence"]  # travels with every export
    assert found.what.startswith("StyleGAN2, 16 px, ")
    assert found.model.name == "network-snapshot-000100"


def test_a_class_can_be_chosen(tmp_path: Path) -> None:
    generator = small_generator(classes=3)
    data = foreign.run(generator, small_discriminator(classes=3))
    (question,) = taken(tmp_path, data).settled
    assert (question.key, question.best, len(question.options)) == ("label", "any", 4)
    fixed = taken(tmp_path, data, {"label": "2"}).model
    assert fixed.generator.config == replace(generator.config, label=2)
    assert fixed.discriminator is not None and fixed.discriminator.config.label == 2
    for wrong in ("3", "x", "-1"):
        with pytest.raises(UserError, match="label cannot be"):
            taken(tmp_path, data, {"label": wrong})


def test_a_generator_without_company(tmp_path: Path) -> None:
    generator = small_generator()
    same(found := taken(tmp_path, foreign.run(generator)), generator)
    assert found.model.discriminator is None and "no discriminator" in found.notes[0]
    same(found := taken(tmp_path, foreign.pickled({"G": foreign.generator(generator)})), generator)
    assert "G_ema" in found.notes[0]
    same(taken(tmp_path, foreign.pickled(foreign.generator(generator))), generator)


def test_a_missing_mean_style_is_estimated(tmp_path: Path) -> None:
    generator = small_generator()
    module = foreign.generator(generator)
    del module.part("mapping").state["_buffers"]["w_avg"]
    found = taken(tmp_path, foreign.pickled({"G_ema": module})).model.generator
    assert isinstance(found, StyleGAN2)
    w = generator.styles(latents(range(9000, 9500), 12))
    assert (found.w_avg - w.mean(dim=0)).abs().max() < 0.2 * w.std(dim=0).mean()


def test_weights_go_back_into_the_code_they_came_from(tmp_path: Path) -> None:
    generator = small_generator(classes=3, filter_taps=8)
    found = taken(tmp_path, foreign.run(generator)).model.generator
    back = found.original_state_dict()
    module = foreign.generator(generator)
    names = set()
    for name, value in (back or {}).items():
        *path, last = name.split(".")
        state = module.part(*path).state
        assert torch.equal(value, {**state["_parameters"], **state["_buffers"]}[last])
        names.add(name)
    assert {
        "mapping.w_avg",
        "mapping.embed.weight",
        "synthesis.b8.conv0.resample_filter",
        "synthesis.b4.const",
    } <= names


# ---------------------------------------------------------------------------------------------------------------- refusals


def _broken(change: Any) -> bytes:
    module = foreign.generator(small_generator(classes=2))
    change(module)
    return foreign.pickled({"G_ema": module})


def _drop(*path: str) -> Any:
    def change(module: foreign.Persistent) -> None:
        state = module.part(*path[:-1]).state
        for kind in ("_parameters", "_buffers", "_modules"):
            state[kind].pop(path[-1], None)

    return change


def _set(*path: str, **attributes: Any) -> Any:
    return lambda module: module.part(*path).state.update(attributes)


def _tensor(name: str, value: torch.Tensor) -> Any:
    buffer = name.endswith("resample_filter")
    return lambda module: module.put(
        name, value if buffer else torch.nn.Parameter(value, requires_grad=False)
    )


def _inside_itself(module: foreign.Persistent) -> None:
    module.part("synthesis").state["_modules"]["b4"] = module


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            _drop("synthesis", "b8", "conv0", "weight"),
            r"lacks 1 of its tensors \(synthesis.b8.conv0.weight\)",
        ),
        (_drop("synthesis", "b8", "conv1", "noise_const"), "lacks 1 of its tensors"),
        (_drop("synthesis", "b8"), "lacks blocks"),
        (_drop("synthesis", "b16", "torgb"), "lacks the part torgb"),
        (_drop("mapping", "fc1"), "lacks the part fc1|cannot be run|has the shape"),
        (_drop("mapping"), "no StyleGAN2 or StyleGAN3 generator"),
        (_set("synthesis", "b8", "conv0", conv_clamp=3.0), "clamped at different values"),
        (_set("synthesis", "b8", "conv0", activation="swish"), "uses the activation"),
        (_set("synthesis", "b8", "conv0", activation="relu"), "different activations"),
        (_set("mapping", "fc0", bias_gain="much"), "a bias_gain that is no number"),
        (_set("mapping", "fc0", bias_gain=float("inf")), "a bias_gain that is no number"),
        (_set("synthesis", "b8", "conv0", activation=["lrelu"]), "uses the activation"),
        (_set("mapping", "fc0", bias_gain=0.5), "different learning rates"),
        (_tensor("synthesis.b8.conv0.weight", torch.zeros(10, 12, 1, 1)), "has the shape"),
        (_tensor("synthesis.b4.conv1.bias", torch.zeros(12) / 0), "not finite"),
        (_tensor("synthesis.b4.conv1.bias", torch.ones(12, dtype=torch.int64)), "int64 numbers, which are no weights"),
        (
            _tensor("synthesis.b4.const", torch.zeros(1).expand(12, 4, 4)),
            "reaches outside its data|larger than the file",
        ),
        (_tensor("mapping.embed.weight", torch.zeros(99, 2)), "cannot be run"),
        (_tensor("synthesis.b8.resample_filter", torch.ones(2, 2)), "different resampling filters"),
        (lambda module: module.part("synthesis", "input", class_name="SynthesisInput"), "descendant of StyleGAN3"),
        (_inside_itself, "modules in modules"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_does_not_fit_is_said_in_one_line(tmp_path: Path, change: Any, words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        taken(tmp_path, _broken(change))
    assert "\n" not in str(caught.value) and "network-snapshot" in str(caught.value)


def test_sizes_that_no_integer_holds_are_said() -> None:
    config = StyleGAN2Config(channels=(3, 2**64), resolution=8, mapping=MappingConfig(outputs=14))
    with pytest.raises(Malformed, match="cannot be run"):
        fill(None, StyleGAN2, config, {}, {})  # type: ignore[arg-type]


def test_a_long_reason_is_cut_to_a_line(tmp_path: Path) -> None:
    path = tmp_path / "x.pkl"
    path.write_bytes(_broken(lambda module: None))
    with pytest.raises(UserError) as told, open_source(path):
        raise Malformed("Generator" * 900 + "\nframe #0")
    assert str(told.value).endswith(" ...")
    assert len(str(told.value)) < 500 and "\n" not in str(told.value)


def test_tensorflow_pickles_are_named(tmp_path: Path) -> None:
    networks = tuple(copy.copy(foreign.Network()) for _ in range(3))
    for network in networks:
        network.__dict__["version"] = 4
    with pytest.raises(UserError, match="TensorFlow era"):
        taken(tmp_path, foreign.pickled(networks))


@pytest.mark.parametrize("group", [0, -4, 2**70, float("inf"), "all"])
def test_a_discriminator_with_an_impossible_statistic_is_left_out(tmp_path: Path, group: Any) -> None:
    generator = small_generator()
    judge = foreign.discriminator(small_discriminator())
    judge.part("b4", "mbstd").state["group_size"] = group
    found = taken(tmp_path, foreign.pickled({"G_ema": foreign.generator(generator), "D": judge}))
    assert found.model.discriminator is None and "left out" in found.notes[0]


def test_what_a_file_calls_things_breaks_no_line(tmp_path: Path) -> None:
    module = foreign.discriminator(small_discriminator())
    module.part("b8", "conv0").state.update(activation="lrelu,\u2028\n")
    found = taken(tmp_path, foreign.pickled({"G_ema": foreign.generator(small_generator()), "D": module}))
    (said,) = (note for note in found.notes if "activation" in note)
    assert len(said.splitlines()) == 1


def test_a_discriminator_that_does_not_fit_is_left_out(tmp_path: Path) -> None:
    generator = small_generator()
    for odd, words in (
        (small_discriminator(resolution=32, channels=(8, 8, 10, 12)), "images of 32 px"),
        (small_discriminator(classes=2), "does not fit the generator"),
        (small_discriminator(image_channels=1), "does not fit the generator"),
    ):
        found = taken(tmp_path, foreign.run(generator, odd))
        same(found, generator)
        assert found.model.discriminator is None and words in found.notes[0]


class _Payload:
    def __reduce__(self) -> Any:
        return os.system, ("echo executed",)


def test_programs_are_refused_and_not_run(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    generator = small_generator()
    for data in (
        foreign.run(generator, training_set_kwargs=_Payload()),
        foreign.run(generator, augment_pipe=[{"deep": _Payload()}]),
        foreign.run(generator, D=_Payload()),
    ):
        with pytest.raises(UserError, match=r"it would call \w+.system"):
            taken(tmp_path, data)
    assert "executed" not in capfd.readouterr().out


_FORBIDDEN = (
    "exec",
    "compile",
    "import",
    "subprocess",
    "socket",
    "os.system",
    "os.posix_spawn",
    "os.exec",
    "pickle.find_class",
)
_watching: list[str] | None = None


def _hook(event: str, args: tuple[Any, ...]) -> None:
    if _watching is not None and event.startswith(_FORBIDDEN):
        _watching.append(f"{event} {args!r:.80}")


def test_nothing_in_a_file_is_executed(tmp_path: Path) -> None:
    """Python's own audit events: no code is compiled or run, nothing is imported, unpickled, started or connected to."""
    global _watching
    data = foreign.run(small_generator(classes=2), small_discriminator(classes=2))
    taken(tmp_path, data)  # our own modules are imported at the first time
    sys.addaudithook(_hook)
    _watching = []
    try:
        taken(tmp_path, data)
        assert _watching == []
        pickle.loads(pickle.dumps(Path))  # the hook does see such things
        assert _watching
    finally:
        _watching = None


# -------------------------------------------------------------------------------------------------------------- rosinality


def _saved(tmp_path: Path, value: Any, **how: Any) -> Imported:
    path = tmp_path / "550000.pt"
    torch.save(value, path, **how)
    return import_file(path)


def test_rosinality_checkpoints(tmp_path: Path) -> None:
    generator, discriminator = small_generator(names="rosinality"), small_discriminator()
    for how in ({}, {"_use_new_zipfile_serialization": False}):
        found = _saved(tmp_path, foreign.rosinality(generator, discriminator), **how)
        assert found.model.generator.config == generator.config
        same(found, generator, discriminator)
        assert (found.notes, found.questions) == ([], [])
        assert found.what.startswith("StyleGAN2 (rosinality), 16 px, colour, 12 latents")
    back = found.model.generator.original_state_dict()
    state = generator.original_state_dict()
    assert back is not None and set(back) == set(state)
    assert all(torch.equal(back[name], state[name]) for name in state)
    assert back["conv1.conv.weight"].shape == (1, 12, 12, 3, 3) and back["noises.noise_2"].shape == (
        1,
        1,
        8,
        8,
    )


def test_rosinality_without_company(tmp_path: Path) -> None:
    generator = small_generator(names="rosinality")
    state = {f"module.{name}": value for name, value in generator.original_state_dict().items()}
    found = _saved(tmp_path, {**state, "module.extra": torch.zeros(2)})
    z = latents(range(2), 12)
    assert torch.equal(found.model.generator(z), generator(z))
    assert "no discriminator" in found.notes[1] and "extra" in found.notes[0]
    silent = {name: value for name, value in generator.original_state_dict().items() if "noises." not in name}
    found = _saved(tmp_path, {"g": silent})
    assert "averaged" in found.notes[0] and "noise images" in found.notes[1]
    assert torch.equal(_saved(tmp_path, {"g": silent}).model.generator(z), found.model.generator(z))


def test_rosinality_files_that_do_not_fit(tmp_path: Path) -> None:
    state = small_generator(names="rosinality").original_state_dict()
    for change, words in (
        ({"convs.1.conv.weight": None}, "lacks the tensor convs.1.conv.weight"),
        ({"convs.0.noise.weight": None}, "lacks 1 of its tensors"),
        ({"convs.0.conv.blur.kernel": torch.ones(4, 4)}, "different resampling filters"),
        ({"convs.0.conv.modulation.bias": torch.zeros(3)}, "has the shape"),
        ({name: None for name in state if name.startswith("to_rgbs")}, "1 resolutions"),
    ):
        changed = {name: value for name, value in {**state, **change}.items() if value is not None}
        with pytest.raises(UserError, match=words):
            _saved(tmp_path, {"g_ema": changed})
    odd = foreign.rosinality(small_generator(names="rosinality"), small_discriminator())
    del odd["d"]["final_linear.0.bias"]
    found = _saved(tmp_path, odd)
    assert found.model.discriminator is None and "left out" in found.notes[0]
