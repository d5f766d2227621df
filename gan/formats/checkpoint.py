"""Checkpoints of tuning: only the adapter, about 100 kB, as safetensors."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch

from gan.errors import UserError
from gan.files import write_bytes
from gan.networks.adapter import MOST_CANDIDATES, Adapter, Shift
from gan.networks.described import build
from gan.networks.registry import adapters

_FORMAT = "tastemaker-checkpoint"
_VERSION = 1


def save_checkpoint(path: Path, adapter: Adapter, facts: dict[str, Any]) -> None:
    """Write the adapter and `facts` (plain JSON) to `path`, atomically."""
    header = {"format": _FORMAT, "version": _VERSION, "adapter": {"kind": adapter.kind, **asdict(adapter.config)}, "facts": facts}
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in adapter.state_dict().items()}
    write_bytes(path, safetensors.torch.save(tensors, metadata={_FORMAT: json.dumps(header)}))


def load_checkpoint(path: Path, z_dim: int) -> tuple[Adapter, dict[str, Any]]:
    """The adapter (not yet attached to a generator) and the facts of a checkpoint, on the CPU.

    Raises
    ------
    UserError
        The file is missing, damaged, from a newer version, or for a generator with another latent width.
    """
    try:
        with safetensors.safe_open(path, framework="pt") as archive:
            header = json.loads((archive.metadata() or {})[_FORMAT])
            tensors = {name: archive.get_tensor(name) for name in archive.keys()}  # noqa: SIM118
        if header["version"] > _VERSION:
            raise UserError(f"{path.name} was made by a newer Tastemaker")
        fields = {"kind": Shift.kind, **header["adapter"]}
        fields = {**asdict(adapters[fields["kind"]].config()), **fields}  # an older one may lack a field
        if fields["z_dim"] != z_dim:
            raise UserError(f"{path.name} belongs to a generator with {fields['z_dim']!r:.20} latent dimensions, not {z_dim}")
        if fields.get("candidates", 1) > MOST_CANDIDATES:
            raise ValueError("it chooses among too many candidates")
        with torch.random.fork_rng(devices=[]):  # leaves the caller's random stream alone; these weights are overwritten
            adapter = build("adapter", fields)
        assert isinstance(adapter, Adapter)
        adapter.load_state_dict(tensors)
        facts: dict[str, Any] = dict(header["facts"])
        for count in ("rounds", "foreseen"):  # what `TuningSession.save_checkpoint` adds
            if type(facts.get(count, 0)) is not int or facts.get(count, 0) < 0:
                raise ValueError(f"{count} is no count")
    except FileNotFoundError:
        raise UserError(f"checkpoint {path} is missing") from None
    except (KeyError, TypeError, ValueError, RuntimeError, RecursionError, safetensors.SafetensorError, OSError) as error:
        raise UserError(f"checkpoint {path} is damaged ({type(error).__name__})") from error
    if not all(bool(torch.isfinite(tensor).all()) for tensor in tensors.values()):
        raise UserError(f"checkpoint {path} is damaged (numbers that are not finite)")
    return adapter, facts
