"""The model card of an exported generator: a README.md for model hubs and people."""

import json
from collections.abc import Mapping
from typing import Any

from gan.model import Model
from gan.version import __version__

# Identifiers of licences on model hubs.
_LICENCES = {
    "apache-2.0", "mit", "cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0", "cc-by-nc-4.0", "bsd-3-clause", "unlicense", "unknown",
}  # fmt: skip
_SHORT = {"auc", "ema", "fd", "gpu", "kid", "kl", "r1", "r2"}  # abbreviations among the keys of a card
_DATA = {
    "scenes": "Procedural landscapes: drawn by a program from random numbers. No photograph and no artist's work is in them.",
    "characters": "Pixel characters put together by a program from layers of hand-drawn traits: CC0 art of the Nouns project, given to the "
    "public domain by its artists.",
    "folder": "A folder of pictures that the maker chose. Their rights are the maker's to know.",
    "unknown": "Not known.",
}


def licence(model: Model) -> str:
    """The licence on a model's card; "unknown" if there is none."""
    return str(model.card.get("licence") or "unknown")


def render(model: Model, more: Mapping[str, str] | None = None) -> str:
    """The card of a model, as Markdown with a YAML header. Unknown facts are left out or marked as unknown.

    Parameters
    ----------
    more : further files of the folder, {name: description}.
    """
    sections = [
        _header(model),
        f"# {_line(model.name)}",
        _what(model),
        "![Samples of fixed seeds](samples.png)",
        _how(model),
        "## Data and licence\n\n" + _data(model),
        "## Training\n\n" + _facts(model.card.get("training"), "Not recorded."),
        "## Tuning\n\n" + _tuning(model),
        _limits(model),
        _files({**_OWN, **(more or {})}),
    ]
    return "\n\n".join(sections) + "\n"


def _header(model: Model) -> str:
    known = licence(model).lower()
    lines = [
        "---",
        f"license: {known if known in _LICENCES else 'other'}",
        *([] if known in _LICENCES else [f"license_name: {json.dumps(licence(model), ensure_ascii=False)}"]),
        "pipeline_tag: unconditional-image-generation",
        "library_name: onnx",
        "tags:",
        *(
            f"- {tag}"
            for tag in ("gan", "onnx", "tastemaker", *(["preference-learning"] if model.tuned else []))
        ),
        "---",
    ]
    return "\n".join(lines)


def _what(model: Model) -> str:
    side, kind = model.resolution, "tuned to one person's taste" if model.tuned else "not tuned"
    return (
        f"A generative adversarial network that draws {side} by {side} pixel images from {model.z_dim} random numbers, {kind}. "
        f"Model hash `{model.hash}`. Written by Tastemaker {__version__}.\n\n"
        "**Every image it draws is generated.** The PNG files that `sample.py` writes say so in their metadata "
        "(IPTC digital source type `trainedAlgorithmicMedia`); leave it there."
    )


def _how(model: Model) -> str:
    return f"""## How to run it

```
pip install numpy onnxruntime pillow
python sample.py --count 16 --seed 0 --out images.png
python sample.py --check
```

A seed is an image: `z = numpy.random.RandomState(seed).randn({model.z_dim})`. `generator.onnx` takes `z` (N, {model.z_dim}) float32
and gives `image` (N, 3, {model.resolution}, {model.resolution}) in [-1, 1]; pixels are `image * 127.5 + 128`, clipped.{_more_inputs(model)}
In Python with Tastemaker: `gan.load("this folder").sample(seeds=range(16))`."""


def _more_inputs(model: Model) -> str:
    words = ""
    if model.generator.truncates:
        words += " `psi` (float32, may be left out) is the truncation: 1 is none, 0 the mean image."
    if model.generator.classes:
        words += (
            f" The last {model.generator.classes} numbers of z choose the class by their largest; `label` (int64, may be left out) "
            "says it instead."
        )
    return words


def _data(model: Model) -> str:
    data = model.card.get("data")
    data = data if isinstance(data, dict) else {"kind": str(data or "unknown")}
    kind = str(data.get("kind", "unknown"))
    more = {key: value for key, value in data.items() if key != "kind"}
    text = _DATA.get(kind, _line(kind))
    if more:
        text += "\n\n" + _facts(more, "")
    if origin := model.card.get("imported"):
        text += "\n\nImported from another program:\n\n" + _facts(origin, "")
    return f"{text}\n\nLicence of the weights: **{_line(licence(model))}**."


# What an adapter does, by its kind.
_TUNED = {
    "choice": "makes several latents of each one that it is given and passes on the one that it prefers",
    "residual": "moves each latent",
}


def _tuning(model: Model) -> str:
    tuning = model.card.get("tuning")
    if model.adapter is None or not model.tuned:
        return "None: this is the generator as it was trained."
    reward = "joins one person's ratings with the discriminator's judgement of realism"
    if model.discriminator is None:
        reward = "comes from one person's ratings; it knows nothing of realism, because there is no discriminator"
    return (
        f"A small network in front of the generator {_TUNED[model.adapter.kind]}. It was trained by policy gradients on a reward that "
        f"{reward}; the generator itself is unchanged.\n\n"
        + _facts(tuning, "No record of the ratings travels with it.")
    )


def _facts(values: Any, nothing: str) -> str:
    """A dictionary as a Markdown list, with "learning_rate" as "Learning rate"; nested ones are indented."""
    if not values:
        return nothing
    if not isinstance(values, dict):
        return _line(values)
    return "\n".join(_items(values, ""))


def _items(values: dict[str, Any], indent: str) -> list[str]:
    lines = []
    for key, value in values.items():
        words = [word.upper() if word in _SHORT else word for word in _line(key).split("_")]
        label = " ".join(words)
        label = label[:1].upper() + label[1:]
        if isinstance(value, dict):
            lines += [f"{indent}- {label}:", *_items(value, indent + "  ")]
        else:
            lines.append(f"{indent}- {label}: {_value(value)}")
    return lines


def _value(value: Any) -> str:
    if value is None:
        return "not known"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return ", ".join(_value(item) for item in value)
    return _line(value)


def _line(value: Any) -> str:
    """Any value as one line of text that cannot break the page's markup."""
    return " ".join(str(value).split()).replace("<", "&lt;")


def _limits(model: Model) -> str:
    taste = (
        "- It leans towards what one person liked: it draws less of everything else. What is said of liking "
        "above holds for that person alone.\n"
        if model.tuned
        else ""
    )
    return (
        "## Limits\n\n"
        f"- {model.resolution} by {model.resolution} pixels. It knows only the kind of picture it was trained on, and draws some seeds "
        "badly.\n"
        f"{taste}"
        "- A generator trained on few pictures may copy some of them.\n"
        "- Images may differ from another machine's by one grey level; `sample.py --check` measures it."
    )


_OWN = {
    "`generator.onnx`": "the generator, whole: runs wherever ONNX does",
    "`model.safetensors`, `config.json`": "the same as weights for Tastemaker, which can tune it further",
    "`sample.py`": "draws images with numpy, onnxruntime and pillow alone",
    "`test_vector.npz`": "latents and the images they must give (`z`, `image`, `seeds`)",
    "`samples.png`": "seeds 0 to 63",
}


def _files(files: Mapping[str, str]) -> str:
    lines = [f"| {name} | {what} |" for name, what in files.items()]
    return "\n".join(["## Files", "", "| file | what |", "|---|---|", *lines])
