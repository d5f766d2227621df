"""Bundles: a model as a folder with `model.safetensors` (the weights) and `config.json` (its architecture and origin).

Nothing in a bundle is executed, and nothing in it is trusted: the configuration is checked before a network is built, the network is
built without allocating memory, and only weights that fit it exactly are accepted.
"""

import errno
import hashlib
import json
import math
import os
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal

import numpy as np
import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from gan.errors import UserError, reason
from gan.files import atomic_write
from gan.model import Model, digest
from gan.networks import ImageDiscriminator, LatentGenerator, registry
from gan.networks.adapter import MOST_CANDIDATES
from gan.networks.described import build, describe

FORMAT = "tastemaker-bundle"
VERSION = 1
CONFIG_NAME = "config.json"
WEIGHTS_NAME = "model.safetensors"
_LARGEST_CONFIG = 2**20  # bytes
_LARGEST_FILE = 2**31  # bytes of a file beside the weights
_TYPES = {"F32": torch.float32, "F16": torch.float16}


# ---------------------------------------------------------------------------------------------------------------- saving


def save(model: Model, folder: Path, dtype: Literal["float32", "float16"] = "float32") -> None:
    """Write a bundle. Its files take their places once all are written, the configuration last.

    Parameters
    ----------
    folder : created if missing. A bundle in it is replaced; other files are left alone.
    dtype : of the stored weights. "float16" halves the size; some pixels then differ by one grey level.

    Raises
    ------
    UserError
        The weights are not finite (or do not fit float16), the files cannot be written, or the generator is a wrapped module.
    """
    tensors = check(model, dtype)
    # A single entry: safetensors writes several in random order, but the same model must give the same bytes.
    metadata = {"sha256": digest(tensors)}
    config = {
        "format": FORMAT,
        "version": VERSION,
        "name": model.name,
        **_networks(model),
        "card": _plain(model.card),
    }
    files = model.generator.files()
    if files:
        config["files"] = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    text = json.dumps(config, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    folder = Path(folder)
    # A folder's name need not be text, and with it that of a model; it is no reason to lose what was trained.
    parts = {CONFIG_NAME: text.encode(errors="replace"), WEIGHTS_NAME: safetensors.torch.save(tensors, metadata), **files}
    try:
        with ExitStack() as written:  # the last takes its place first, once all are on the disk: half a bundle replaces no whole one
            for name, data in parts.items():
                stream = written.enter_context(atomic_write(folder / name))
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
    except OSError as error:
        raise UserError(f"cannot write the generator to {folder}: {reason(error)}") from error


def check(model: Model, dtype: Literal["float32", "float16"] = "float32") -> dict[str, Tensor]:
    """The weights of a model as its bundle stores them, on the CPU. Raises `UserError` if they cannot be stored; see `save`."""
    if model.generator.kind not in registry.generators:
        raise UserError(
            f"{model.name} is not saved: its generator is somebody's own code, of which a bundle keeps nothing; write it as ONNX"
        )
    storage = {"float32": torch.float32, "float16": torch.float16}[dtype]
    # An adapter is small, and rounding could change its choices: it stays float32.
    tensors = {
        key: value.detach().to("cpu", torch.float32 if key.startswith("adapter.") else storage).contiguous()
        for key, value in model.tensors().items()
    }
    for key, value in tensors.items():
        if not torch.isfinite(value).all():
            raise UserError(f"{model.name} is not saved: its weights {key} are not finite numbers in {dtype}")
    try:
        with torch.device("meta"):
            for part, values in json.loads(json.dumps(_networks(model))).items():
                if values is not None:
                    build(part, values)
    except (ValueError, TypeError, KeyError, RuntimeError) as error:
        raise UserError(f"{model.name} is not saved: it could not be opened again ({reason(error)})") from error
    return tensors


def _networks(model: Model) -> dict[str, Any]:
    """The architecture of each network of a model, as in a bundle's configuration."""
    return {part: describe(getattr(model, part)) for part in registry.parts}


def _plain(value: Any) -> Any:
    """A card's value as JSON: numbers that are not finite become null, and types that JSON lacks become text."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, str | int | bool) else str(value)


# --------------------------------------------------------------------------------------------------------------- loading


def load(folder: Path, device: torch.device | str = "cpu") -> Model:
    """Read a bundle.

    Raises
    ------
    UserError
        A file is missing, damaged or from a newer version; the message is one line that names it.
    """
    folder = Path(folder)
    config = read_config(folder)
    networks: dict[str, nn.Module | None] = {}
    with torch.device("meta"):  # shapes only: the weights come from the file
        for part in registry.parts:
            networks[part] = _build(folder / CONFIG_NAME, part, config.get(part))
    _fill(folder / WEIGHTS_NAME, networks)
    generator, adapter, discriminator = networks["generator"], networks["adapter"], networks["discriminator"]
    assert isinstance(generator, LatentGenerator) and (discriminator is None or isinstance(discriminator, ImageDiscriminator))
    path = folder / CONFIG_NAME
    _attach(folder, generator, config.get("files"))
    if adapter is not None:
        _check_adapter(path, adapter.config, generator)
    if discriminator is not None and discriminator.resolution != generator.resolution:
        raise UserError(f"{path} is damaged: its discriminator and its generator differ in resolution")
    return Model(
        name=config["name"],
        generator=generator,
        adapter=adapter,  # type: ignore[arg-type]
        discriminator=discriminator,
        card=config["card"],
        device=torch.device(device),
    )


def is_bundle(folder: Path) -> bool:
    """Whether `folder` has the configuration of a bundle, of any version. Never raises."""
    try:
        config = _json(folder / CONFIG_NAME)
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(config, dict) and config.get("format") == FORMAT


def _json(path: Path) -> Any:
    """The contents of a JSON file of at most 1 MiB. Raises OSError, ValueError or RecursionError."""
    if not path.is_file():  # reading a pipe would block
        raise OSError("not an ordinary file")
    with path.open("rb") as file:
        data = file.read(_LARGEST_CONFIG + 1)
    if len(data) > _LARGEST_CONFIG:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
    return json.loads(data.decode("utf-8"))


def read_config(folder: Path) -> dict[str, Any]:
    """The configuration of a bundle, with its outer fields checked; its networks are not built, and nothing is allocated.

    Raises
    ------
    UserError
        As `load`.
    """
    folder = Path(folder)
    path = folder / CONFIG_NAME
    if not folder.exists():
        raise UserError(f"no such folder: {folder}")
    if not folder.is_dir():
        raise UserError(
            f"{folder} is a file; a generator is a folder with {CONFIG_NAME} and {WEIGHTS_NAME} (tastemaker import makes one of it)"
        )
    if not path.is_file():
        raise UserError(f"{folder} is not a generator: it has no {CONFIG_NAME}")
    try:
        config = _json(path)
    except OSError as error:
        raise UserError(f"cannot read {path}: {reason(error)}") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is damaged: not JSON ({reason(error)})") from error
    if not isinstance(config, dict) or config.get("format") != FORMAT:
        raise UserError(f'{path} is not of a generator made by Tastemaker: no "format": "{FORMAT}"')
    version = config.get("version")
    if type(version) is not int or version < 1:
        raise UserError(f'{path} is damaged: "version" is {version!r:.60}')
    if version > VERSION:
        raise UserError(
            f"{path} was made by a newer Tastemaker (bundle version {version}; this one reads up to {VERSION})"
        )
    config.setdefault("card", {})
    if not isinstance(config.get("name"), str) or not config["name"].strip():
        raise UserError(f'{path} is damaged: "name" is missing')
    if not isinstance(config["card"], dict):
        raise UserError(f'{path} is damaged: "card" is not an object')
    return config


def _build(path: Path, part: str, values: Any) -> nn.Module | None:
    """The network described by `values`, or None for null; every field is checked."""
    if values is None and part != "generator":
        return None
    if not isinstance(values, dict):
        raise UserError(f'{path} is damaged: "{part}" is missing')
    kind, kinds = values.get("kind"), registry.parts[part]
    if not isinstance(kind, str) or kind not in kinds:
        raise UserError(
            f"{path}: {part} of kind {kind!r:.60}; this Tastemaker knows {', '.join(sorted(kinds))}"
        )
    try:
        return build(part, values)
    except (ValueError, TypeError, RuntimeError) as error:
        raise UserError(f"{path} is damaged: {reason(error)}") from error


def _check_adapter(path: Path, config: Any, generator: LatentGenerator) -> None:
    """Refuse an adapter that belongs to another generator or chooses among too many candidates."""
    if config.z_dim != generator.z_dim:
        raise UserError(f"{path} is damaged: its adapter and its generator differ in z_dim")
    if getattr(config, "inputs", generator.embed_dim) != generator.embed_dim:
        raise UserError(f"{path} is damaged: its adapter reads {config.inputs} numbers and its generator gives {generator.embed_dim}")
    if getattr(config, "candidates", 1) > MOST_CANDIDATES:
        raise UserError(f"{path} is damaged: its adapter chooses among {config.candidates} latents")


def _attach(folder: Path, generator: LatentGenerator, sums: Any) -> None:
    """Load the files that the generator's kind stores beside the weights, after checking their checksums."""
    names = registry.generators[generator.kind].files
    path = folder / CONFIG_NAME
    if set(sums if isinstance(sums, dict) else {}) != set(names):
        raise UserError(f'{path} is damaged: "files" does not fit a generator of kind {generator.kind}')
    files: dict[str, bytes] = {}
    for name in names:
        try:
            if not (folder / name).is_file():
                raise UserError(f"{folder} is not a whole generator: it has no {name}")
            if (folder / name).stat().st_size > _LARGEST_FILE:
                raise UserError(f"{folder / name} is too large")
            files[name] = (folder / name).read_bytes()
        except OSError as error:
            raise UserError(f"{folder} is not a whole generator: {name}: {reason(error)}") from error
        if hashlib.sha256(files[name]).hexdigest() != sums[name]:
            raise UserError(f"{folder / name} is damaged: its contents do not match their checksum")
    if files:
        try:
            generator.attach(files)
        except (ValueError, RuntimeError) as error:
            raise UserError(f"{folder} is damaged: {reason(error)}") from error


def _fill(path: Path, networks: dict[str, nn.Module | None]) -> None:
    """Load weights from a file into networks built on the meta device: all of them, with matching shapes, finite and undamaged."""
    wanted = {
        f"{part}.{key}": tuple(value.shape)
        for part, network in networks.items()
        if network is not None
        for key, value in network.state_dict().items()
    }
    tensors = _read(path, wanted)
    for part, network in networks.items():
        if network is not None:
            prefix = f"{part}."
            own = {
                key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)
            }
            network.load_state_dict(own, strict=True, assign=True)


def _read(path: Path, wanted: dict[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """The tensors of a safetensors file in float32, if they are exactly those wanted."""
    if not path.is_file():
        raise UserError(f"{path.parent} is not a whole generator: it has no {path.name}")
    try:
        with safetensors.safe_open(path, framework="pt", device="cpu") as file:
            names = set(file.keys())
            for problem, odd in (("lacks", set(wanted) - names), ("has unknown", names - set(wanted))):
                if odd:
                    raise UserError(
                        f"{path} does not fit its {CONFIG_NAME}: it {problem} {len(odd)} tensors ({min(odd)})"
                    )
            for name, shape in wanted.items():
                entry = file.get_slice(name)
                if tuple(entry.get_shape()) != shape:
                    raise UserError(
                        f"{path} does not fit its {CONFIG_NAME}: {name} is {tuple(entry.get_shape())}, not {shape}"
                    )
                if entry.get_dtype() not in _TYPES:
                    raise UserError(f"{path}: {name} is {entry.get_dtype()}; weights are float32 or float16")
            # Copied from the memory-mapped file, which may be replaced while the model is in use.
            tensors = {name: file.get_tensor(name).to(torch.float32, copy=True) for name in wanted}
            metadata = file.metadata() or {}
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        raise UserError(f"{path} is damaged or cut short: {reason(error)}") from error
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise UserError(f"{path} is damaged: {name} holds numbers that are not finite")
    if "sha256" in metadata and metadata["sha256"] != digest(tensors):
        raise UserError(f"{path} is damaged: its contents do not match their checksum")
    return tensors
