"""ONNX generators of strangers: understood, drawn, tuned, kept and written again; what is no generator, or more than one, is refused."""

import copy
import pickle
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import foreign_onnx
import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

import gan
from gan.errors import UserError
from gan.formats.importing import import_file
from gan.formats.onnx_export import run_onnx, to_onnx
from gan.formats.portable import export_bundle
from gan.model import Model
from gan.networks import latents
from gan.networks.adapter import Shift, ShiftConfig
from gan.networks.onnx_cost import work
from gan.networks.onnx_graph import parse

NOISE = foreign_onnx.NOISE


def imported(tmp_path: Path, choices: dict[str, str] | None = None, **how: Any) -> Any:
    path = tmp_path / "foreign.onnx"
    path.write_bytes(foreign_onnx.generator(**how))
    return import_file(path, choices)


def tuned(model: Model) -> Model:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        adapter = Shift(ShiftConfig(z_dim=model.z_dim, width=16))
        torch.nn.init.normal_(adapter.out.weight, std=0.3)
    return Model("tuned", model.generator, adapter, None, model.card)


def straight(data: bytes, **feeds: np.ndarray) -> np.ndarray:
    """What the foreign graph itself gives."""
    return onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"]).run(None, feeds)[0]


FORMS: list[dict[str, Any]] = [
    {},
    {"inputs": "map", "batch": 1},
    {"channels": 1, "batch": 4, "opset": 11},
    {"layout": "NHWC", "tail": ("Sigmoid",), "image": "pictures", "z": "model/latent_in"},
    {"elem": "float16", "psi": "truncation"},
    {"tail": ("Sigmoid",), "scale": 255.0, "as_bytes": True, "opset": 21},
    {"label": "onehot"},
    {"label": "column", "psi": "psi"},
]


@pytest.mark.parametrize("how", FORMS, ids=str)
def test_every_form_is_drawn_tuned_and_kept(tmp_path: Path, how: dict[str, Any]) -> None:
    model = tuned(imported(tmp_path, **how).model)
    z = latents(range(5), model.z_dim)
    images = model.draw(z)
    assert images.shape == (5, 3, 8, 8) and images.abs().max() <= 1.0 and images.std() > 0.1
    gan.formats.bundle.save(model, tmp_path / "kept")
    kept = gan.load(tmp_path / "kept")
    assert kept.hash == model.hash
    torch.testing.assert_close(kept.draw(z), images, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("how", "tolerance"),
    [({"channels": 1, "batch": 4, "opset": 11}, 1e-5), ({"elem": "float16", "psi": "truncation", "inputs": "map"}, 2e-3),
     ({"label": "column", "layout": "NHWC", "tail": ("Sigmoid",)}, 1e-5)],
    ids=str,
)  # fmt: skip
def test_a_tuned_one_is_written_as_one_graph(tmp_path: Path, how: dict[str, Any], tolerance: float) -> None:
    model = tuned(imported(tmp_path, **how).model)
    z = latents(range(5), model.z_dim)
    data = to_onnx(model, {"generated_by": "Tastemaker test"})
    onnx.checker.check_model(onnx.load_from_string(data), full_check=True)
    (tmp_path / "again.onnx").write_bytes(data)
    again = import_file(tmp_path / "again.onnx")
    assert not again.questions
    torch.testing.assert_close(again.model.draw(z), model.draw(z), rtol=0, atol=tolerance)


def test_images_are_those_of_the_graph(tmp_path: Path) -> None:
    z = latents(range(3), NOISE)
    model = imported(tmp_path).model
    np.testing.assert_allclose(
        model.draw(z).numpy(), straight(foreign_onnx.generator(), z=z.numpy()), atol=1e-6
    )
    unit = {"tail": ("Sigmoid",), "layout": "NHWC"}
    raw = straight(foreign_onnx.generator(**unit), z=z.numpy()).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(imported(tmp_path, **unit).model.draw(z).numpy(), raw * 2 - 1, atol=1e-6)
    whole = {"tail": ("Sigmoid",), "scale": 255.0, "as_bytes": True}
    raw = straight(foreign_onnx.generator(**whole), z=z.numpy())
    np.testing.assert_array_equal(
        imported(tmp_path, **whole).model.sample(range(3)), raw.transpose(0, 2, 3, 1)
    )


def test_uniform_prior_and_fixed_class_are_choices(tmp_path: Path) -> None:
    z = latents(range(4), NOISE)
    uniform = imported(tmp_path, {"prior": "uniform"}).model.draw(z).numpy()
    spread = torch.erf(z / 2**0.5).numpy()
    np.testing.assert_allclose(uniform, straight(foreign_onnx.generator(), z=spread), atol=1e-6)
    fixed = imported(tmp_path, {"label": "2"}, label="index").model
    assert fixed.z_dim == NOISE and fixed.generator.classes == 0
    labels = np.full(4, 2, np.int64)
    np.testing.assert_allclose(
        fixed.draw(z).numpy(),
        straight(foreign_onnx.generator(label="index"), z=z.numpy(), label=labels),
        atol=1e-6,
    )
    free = imported(tmp_path, label="index")
    assert free.model.z_dim == NOISE + 4 and [question.key for question in free.questions] == [
        "label",
        "prior",
    ]
    chosen = torch.cat([z, torch.eye(4)[[2, 2, 2, 2]]], dim=1)
    torch.testing.assert_close(free.model.draw(chosen), fixed.draw(z))
    with pytest.raises(UserError, match="label cannot be"):
        imported(tmp_path, {"label": "9"}, label="index")


def test_psi_and_label_are_inputs_of_the_written_graph(tmp_path: Path) -> None:
    model = imported(tmp_path, label="index", psi="truncation").model
    z = latents(range(2), model.z_dim)
    data = to_onnx(model, {})
    half = run_onnx(data, z.numpy(), psi=np.array(0.5, np.float32))
    np.testing.assert_allclose(half, model.draw(z, psi=0.5).numpy(), atol=1e-6)
    third = run_onnx(data, z.numpy(), label=np.array(3, np.int64))
    wanted = torch.cat([z[:, :NOISE], torch.eye(4)[[3, 3]]], dim=1)
    np.testing.assert_allclose(third, model.draw(wanted).numpy(), atol=1e-6)


def test_ambiguous_pixels_are_asked_about(tmp_path: Path) -> None:
    for how, ranked in (({"tail": ("Relu", "Tanh"), "scale": 1.0, "offset": 0.001}, "unit"),
                        ({"tail": ("Sigmoid",), "scale": 255.0}, "bytes")):  # fmt: skip
        found = imported(tmp_path, **how)
        question = next(question for question in found.questions if question.key == "values")
        assert question.best == ranked and "trial gave" in question.options[0].evidence
    assert imported(tmp_path, {"values": "signed"}, tail=("Relu",)).model.generator.config.values == "signed"
    assert "values" not in [
        question.key for question in imported(tmp_path, tail=()).questions
    ]  # below zero: no doubt


def test_a_whole_export_runs_elsewhere(tmp_path: Path) -> None:
    model = tuned(imported(tmp_path, channels=1, batch=4).model)
    folder = export_bundle(model, tmp_path / "out")
    assert (folder / "original.onnx").exists()
    done = subprocess.run(
        [sys.executable, "-W", "error", str(folder / "sample.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 and "ok" in done.stdout, done.stderr
    export_bundle(model, folder)  # over the earlier one
    (folder / "original.onnx").write_bytes(b"damaged")
    with pytest.raises(UserError, match="checksum"):
        gan.load(folder)


def test_copies_and_other_processes_draw_too(tmp_path: Path) -> None:
    model = imported(tmp_path).model
    z = latents(range(2), NOISE)
    wanted = model.draw(z)
    torch.testing.assert_close(copy.deepcopy(model.generator)(z).clamp(-1, 1), wanted)
    torch.testing.assert_close(pickle.loads(pickle.dumps(model.generator))(z).clamp(-1, 1), wanted)
    assert model.draw(z[:0]).shape == (0, 3, 8, 8)


# ----------------------------------------------------------------------------------------------------------- what is refused


def graph(nodes: list[Any], held: list[Any] | None = None, **more: Any) -> bytes:
    """A graph z (N, 4) -> image (N, 3, 8, 8), not checked by anyone."""
    ports = [helper.make_tensor_value_info("z", TensorProto.FLOAT, ["N", 4])]
    out = [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 3, 8, 8])]
    made = helper.make_graph(nodes, "g", more.pop("ports", ports), more.pop("out", out), held or [])
    domains = [helper.make_opsetid("", 17), *(helper.make_opsetid(one, 1) for one in more.pop("domains", []))]
    model = helper.make_model(made, opset_imports=domains, **more)
    model.ir_version = 8
    return bytes(model.SerializeToString())


def lone(operator: str, domain: str = "") -> bytes:
    """A graph of one operator."""
    node = helper.make_node(operator, ["z"], ["image"], domain=domain)
    return graph([node], domains=[domain] if domain else [])


def external() -> bytes:
    tensor = numpy_helper.from_array(np.zeros((4, 192), np.float32), "w")
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "../../../etc/passwd"
    return graph([helper.make_node("MatMul", ["z", "w"], ["image"])], [tensor])


def loop() -> bytes:
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["again"])], "b",
        [helper.make_tensor_value_info("i", TensorProto.INT64, []), helper.make_tensor_value_info("go", TensorProto.BOOL, [])],
        [helper.make_tensor_value_info("again", TensorProto.BOOL, [])],
    )  # fmt: skip
    return graph(
        [helper.make_node("Loop", ["", ""], [], body=body), helper.make_node("Identity", ["z"], ["image"])]
    )


def huge() -> bytes:
    side = numpy_helper.from_array(np.array([1 << 36], np.int64), "side")
    nodes = [helper.make_node("ConstantOfShape", ["side"], ["c"]), helper.make_node("ReduceSum", ["c"], ["s"], keepdims=0),
             helper.make_node("Add", ["z", "s"], ["x"]), helper.make_node("Reshape", ["x", "shape"], ["image"])]  # fmt: skip
    return graph(nodes, [side, numpy_helper.from_array(np.array([-1, 3, 8, 8], np.int64), "shape")])


def laughing() -> bytes:
    """Functions of functions that come to 2^60 operators."""
    functions = []
    for level in range(60):
        inner = (
            helper.make_node("Identity", ["x"], ["y"])
            if level == 0
            else helper.make_node(f"f{level - 1}", ["x"], ["m"], domain="own")
        )
        nodes = (
            [inner] if level == 0 else [inner, helper.make_node(f"f{level - 1}", ["m"], ["y"], domain="own")]
        )
        imports = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
        functions.append(helper.make_function("own", f"f{level}", ["x"], ["y"], nodes, imports))
    return graph(
        [helper.make_node("f59", ["z"], ["image"], domain="own")], functions=functions, domains=["own"]
    )


def endless() -> bytes:
    imports = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    calls = [helper.make_node("f", ["x"], ["y"], domain="own")]
    function = helper.make_function("own", "f", ["x"], ["y"], calls, imports)
    return graph(
        [helper.make_node("f", ["z"], ["image"], domain="own")], functions=[function], domains=["own"]
    )


def sparse() -> bytes:
    """One number that says it stands for 2^40."""
    values = numpy_helper.from_array(np.ones(1, np.float32), "w")
    tensor = helper.make_sparse_tensor(values, numpy_helper.from_array(np.zeros(1, np.int64), "i"), [1 << 40])
    model = onnx.load_from_string(graph([helper.make_node("Identity", ["z"], ["image"])]))
    model.graph.sparse_initializer.append(tensor)
    return bytes(model.SerializeToString())


def short() -> bytes:
    """Four numbers that say that they are 2^34."""
    tensor = numpy_helper.from_array(np.zeros(4, np.float32), "w")
    tensor.dims[:] = [1 << 17, 1 << 17]
    return graph([helper.make_node("MatMul", ["z", "w"], ["image"])], [tensor])


def wide() -> bytes:
    """Many outputs, none of them square images."""
    out = [helper.make_tensor_value_info(f"image{i % 8}{'_' * 40}{i}", TensorProto.FLOAT, ["N", 1, 1, 4]) for i in range(24)]
    held = [numpy_helper.from_array(np.array([-1, 1, 1, 4], np.int64), "shape")]
    return graph([helper.make_node("Reshape", ["z", "shape"], [port.name]) for port in out], held, out=out)


def classifier() -> bytes:
    ports = [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 3, 8, 8])]
    out = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", 192])]
    return graph([helper.make_node("Flatten", ["image"], ["logits"])], ports=ports, out=out)


def text() -> bytes:
    """A word that is doubled twelve times."""
    word = numpy_helper.from_array(np.array(["word"], object), "t0")
    return graph([helper.make_node("StringConcat", [f"t{i}", f"t{i}"], [f"t{i + 1}"]) for i in range(12)], [word])


def held(*shape: int) -> Any:
    return numpy_helper.from_array(np.zeros(shape, np.float32), "w")


def multiplying(nodes: list[Any], *sizes: tuple[str, Sequence[int]], **more: Any) -> bytes:
    """Numbers that the graph itself makes, of these sizes, and operators that make "y" of them; a few hundred bytes of a file."""
    made = [helper.make_node("ConstantOfShape", [f"{name}_sides"], [name]) for name, _ in sizes]
    ends = [helper.make_node("ReduceMean", ["y"], ["mean"], keepdims=0), helper.make_node("ReduceMean", ["z"], ["row"], axes=[1]),
            helper.make_node("Add", ["row", "mean"], ["sum"]), helper.make_node("Reshape", ["sum", "map"], ["pixel"]),
            helper.make_node("Expand", ["pixel", "image_sides"], ["image"])]  # fmt: skip
    held = [numpy_helper.from_array(np.array(sides, np.int64), f"{name}_sides") for name, sides in (*sizes, ("image", (1, 3, 8, 8)))]
    held.append(numpy_helper.from_array(np.array([-1, 1, 1, 1], np.int64), "map"))
    return graph([*made, *nodes, *ends], [*held, *more.pop("held", [])], **more)


def convolving_function() -> bytes:
    body = [helper.make_node("Conv", ["x", "w"], ["y"])]
    function = helper.make_function("own", "f", ["x", "w"], ["y"], body, [helper.make_opsetid("", 17)])
    call = helper.make_node("f", ["x", "w"], ["y"], domain="own")
    return multiplying(
        [call], ("x", (1, 1, 8000, 8000)), ("w", (1, 1, 400, 400)), functions=[function], domains=["own"]
    )


def untold() -> bytes:
    """A matrix as large as the number of a constant's numbers that are not zero."""
    nodes = [
        helper.make_node("NonZero", ["ones"], ["found"]), helper.make_node("Shape", ["found"], ["sides"]),
        helper.make_node("Mul", ["sides", "many"], ["large"]), helper.make_node("ConstantOfShape", ["large"], ["a"]),
        helper.make_node("MatMul", ["a", "a"], ["y"]),
    ]  # fmt: skip
    held = {"ones": np.ones(100, np.float32), "many": np.array([11000, 110], np.int64)}
    return multiplying(nodes, held=[numpy_helper.from_array(values, name) for name, values in held.items()])


def matrices(operator: str, **attributes: Any) -> bytes:
    return multiplying([helper.make_node(operator, ["a", "a"], ["y"], **attributes)], ("a", (11000, 11000)))


REFUSED = {
    "not an ONNX file": (lambda: b"\x08\x08\x12\x05hello", "not an ONNX file"),
    "noise": (lambda: np.random.default_rng(0).bytes(4096), "not an ONNX file"),
    "cut": (lambda: foreign_onnx.generator()[:-400], "not an ONNX file|not valid"),
    "empty": (lambda: b"", "no kind of file|not an ONNX file"),
    "external": (external, "weights lie in other files"),
    "custom": (lambda: lone("Evil", "evil.ops"), "custom operator evil.ops.Evil"),
    "loop": (loop, "its graph loops"),
    "random": (lambda: lone("RandomNormalLike"), "random numbers of its own"),
    "huge": (huge, "memory"),
    "sparse": (sparse, "weights are sparse"),
    "short": (short, "shorter than it says"),
    "context": (lambda: lone("EPContext", "com.microsoft"), "EPContext"),
    "scalar": (
        lambda: graph([helper.make_node("ReduceMean", ["z"], ["image"], keepdims=0)]),
        "a single number, not images|gives no images",
    ),
    "wide": (wide, r"only squares are known here; \.\.\.$"),
    "laughing": (laughing, "more than 100,000 operators"),
    "endless": (endless, "call themselves"),
    "classifier": (classifier, "none of its inputs takes latents"),
    "bad names": (lambda: graph([helper.make_node("MatMul", ["z", "nowhere"], ["image"])]), "not valid"),
    "text": (text, "works with text"),
    "text of numbers": (lambda: graph([helper.make_node("Cast", ["z"], ["image"], to=TensorProto.STRING)]), "works with text"),
    "large pool": (lambda: graph([helper.make_node("MaxPool", ["z"], ["image"], kernel_shape=[3000, 3000])]), "3000 pixels at once"),
    "large convolution": (lambda: graph([helper.make_node("Conv", ["z", "w"], ["image"])], [held(1, 1, 40, 40)]), "40 pixels at once"),
    "large convolution of a constant": (
        lambda: graph(
            [helper.make_node("Constant", [], ["w"], value=held(1, 1, 40, 40)), helper.make_node("Conv", ["z", "w"], ["image"])]
        ),
        "40 pixels at once",
    ),
    "large convolution of computed weights": (
        lambda: multiplying([helper.make_node("Conv", ["x", "w"], ["y"])], ("x", (1, 1, 8000, 8000)), ("w", (1, 1, 4000, 4000))),
        "4000 pixels at once",
    ),
    "large convolution in a function": (convolving_function, "400 pixels at once"),
    "large matrices": (lambda: matrices("MatMul"), "it multiplies 1,331 billion times whenever it draws"),
    "large sums": (lambda: matrices("Einsum", equation="ij,kj->ik"), "it multiplies 1,331 billion times whenever it draws"),
    "large untold matrices": (untold, "operator MatMul multiplies cannot be told"),
    "long sequence": (
        lambda: multiplying(
            [helper.make_node("RNN", ["x", "w", "r"], ["y"], hidden_size=64)], ("x", (10**6, 1, 1)), ("w", (1, 64, 1)), ("r", (1, 64, 64))
        ),
        "RNN is not one of a generator's",
    ),
    "operator that is no text": (lambda: lone("Identity").replace(b"Identity", b"Identit\xff"), "not an ONNX file, or damaged"),
    "unknown operator": (lambda: lone("Frobnicate"), "not valid"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_generator_is_refused_in_a_line(tmp_path: Path, name: str) -> None:
    make, words = REFUSED[name]
    path = tmp_path / "bad.onnx"
    path.write_bytes(make())
    with pytest.raises(UserError, match=words) as told:
        import_file(path)
    assert "\n" not in str(told.value) and str(told.value).startswith("bad.onnx cannot be imported")
    assert len(str(told.value)) < 700
    assert [entry.name for entry in tmp_path.iterdir()] == ["bad.onnx"]


@pytest.mark.parametrize("opset", [11, 17])
def test_sizes_that_a_graph_computes_are_followed(opset: int) -> None:
    """Attention as exporters write it: z (N, 4) -> (N, 2, 2) by way of its own shape, multiplied with itself."""
    two = numpy_helper.from_array(np.array(2, np.int64), "two")
    zero = numpy_helper.from_array(np.array(0, np.int64), "zero")
    axes = numpy_helper.from_array(np.array([0], np.int64), "axes")

    def unsqueeze(name: str, out: str) -> Any:
        old = opset < 13
        return helper.make_node("Unsqueeze", [name] if old else [name, "axes"], [out], **({"axes": [0]} if old else {}))

    nodes = [
        helper.make_node("Shape", ["z"], ["s"]), helper.make_node("Gather", ["s", "zero"], ["n"]),
        helper.make_node("Mul", ["n", "two"], ["n2"]),
        unsqueeze("n2", "first"), unsqueeze("two", "second"), helper.make_node("Concat", ["first", "second"], ["sides"], axis=0),
        helper.make_node("Reshape", ["z", "sides"], ["a"]), helper.make_node("Transpose", ["a"], ["t"], perm=[1, 0]),
        helper.make_node("MatMul", ["t", "a"], ["image"]),
    ]  # fmt: skip
    out = [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["A", "B"])]
    model = onnx.load_from_string(graph(nodes, [two, zero, axes], out=out))
    model.opset_import[0].version = opset
    assert work(parse(bytes(model.SerializeToString()))) == 2 * 2 * 2  # of one latent


def test_a_graph_in_a_bundle_is_looked_through_as_well(tmp_path: Path) -> None:
    import hashlib
    import json

    gan.formats.bundle.save(imported(tmp_path).model, tmp_path / "b")
    evil = external()
    (tmp_path / "b" / "original.onnx").write_bytes(evil)
    config = json.loads((tmp_path / "b" / "config.json").read_text())
    config["files"]["original.onnx"] = hashlib.sha256(evil).hexdigest()
    (tmp_path / "b" / "config.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match="weights lie in other files"):
        gan.load(tmp_path / "b")


def test_weights_in_subgraphs_and_attributes_are_looked_at() -> None:
    tensor = numpy_helper.from_array(np.zeros(4, np.float32), "w")
    tensor.data_location = TensorProto.EXTERNAL
    constant = helper.make_node("Constant", [], ["c"], value=tensor)
    branch = helper.make_graph(
        [constant], "b", [], [helper.make_tensor_value_info("c", TensorProto.FLOAT, [4])]
    )
    chosen = helper.make_node("If", ["yes"], ["image"], then_branch=branch, else_branch=branch)
    yes = numpy_helper.from_array(np.array(True), "yes")
    with pytest.raises(ValueError, match="other files"):
        parse(graph([chosen], [yes]))


def test_what_a_graph_costs_is_followed_through_reshaped_sizes() -> None:
    """Exports of attention by torch hold such sizes: their own export could not be imported again."""
    graph = onnx.parser.parse_model(
        """
        <ir_version: 10, opset_import: ["" : 20]>
        g (float[batch, 8] z) => (float[batch, 5] y)
        <int64[1] flat = {-1}, int64[1] eight = {8}, float[8, 5] weight = {WEIGHTS}>
        {
            many = Shape <start = 0, end = 1> (z)
            straight = Reshape (many, flat)
            again = Reshape (straight, flat)
            sides = Concat <axis = 0> (again, eight)
            x = Reshape (z, sides)
            y = MatMul (x, weight)
        }
        """.replace("WEIGHTS", ", ".join(["1.0"] * 40))
    )
    assert work(graph) == 8 * 5
