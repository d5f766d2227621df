"""Weights for a network that is known in every part: they fit exactly, or the file is refused."""

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from gan.formats.importing import evidence
from gan.formats.importing.source import check_weights
from gan.formats.importing.state_dict import Candidate, Module, candidates
from gan.formats.importing.values import Malformed, TensorRef
from gan.networks.base import LatentGenerator
from gan.networks.reparametrised import Form

_PIXELS = 2**22  # drawn to measure batch statistics
_FEWEST, _MOST = 4, 64  # images


def signed(contents: Any, signs: Sequence[str]) -> Candidate | None:
    """The first part of a file's contents in which every sign begins the name of a tensor; None if there is none."""
    try:
        held = candidates(contents)
    except Malformed:
        return None
    return next((one for one in held if all(any(name.startswith(sign) for name in one.tensors) for sign in signs)), None)


def shape(tensors: dict[str, TensorRef], key: str, dimensions: int) -> tuple[int, ...]:
    """The shape of a tensor that has to be there, with so many dimensions.

    Raises
    ------
    Malformed
        It is not there, or has another number of them.
    """
    if key not in tensors or len(tensors[key].shape) != dimensions:
        raise Malformed(f"it is of a version of its program that is not known here (no {key})")
    return tensors[key].shape


def fill(network: nn.Module, tensors: dict[str, Tensor], prefix: str = "") -> None:
    """Load weights into a network built on the meta device: exactly its own, with matching shapes.

    Parameters
    ----------
    tensors : by the names that they have in the network.
    prefix : of these names in the file, for messages.

    Raises
    ------
    Malformed
        A tensor is missing, has no place or another shape, or holds no weights.
    """
    wanted = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    if set(wanted) != set(tensors) or any(tuple(tensors[key].shape) != shape for key, shape in wanted.items()):
        odd = sorted(set(wanted) ^ set(tensors)) or [key for key in wanted if tuple(tensors[key].shape) != wanted[key]]
        raise Malformed(f"it is of a version of its program that is not known here (its part {prefix}{odd[0]} does not fit)")
    check_weights(tensors)
    network.load_state_dict(tensors, assign=True)


def one_form(layers: Iterable[Module]) -> Form | None:
    """How the original code keeps the weights of all these layers; None: as they are.

    Raises
    ------
    Malformed
        Not all in one way.
    """
    forms = {layer.reparametrised.form if layer.reparametrised else None for layer in layers}
    if len(forms) != 1:
        raise Malformed("its layers keep their weights in different ways, which is not known here")
    return forms.pop()


def state(found: Iterable[Module]) -> dict[str, Tensor]:
    """The tensors of modules with plain weights, by the names that they have in a network whose parts are named as in the file."""
    named: dict[str, Tensor] = {}
    for module in found:
        for leaf, value in module.tensors.items():
            if leaf != "num_batches_tracked":
                named[f"{module.name}.{leaf}"] = value
        if module.beside is not None:
            named |= {f"{module.name}.kept.{name}": value for name, value in module.beside[1].items()}
    return named


def measure(generator: LatentGenerator, norms: type[nn.Module]) -> None:
    """Replace the stored batch statistics, of parts of the class `norms`, by those of newly drawn latents."""

    def keep(norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        over = [i for i in range(inputs[0].dim()) if i != 1]
        norm.running_mean, norm.running_var = inputs[0].mean(dim=over), inputs[0].var(dim=over, unbiased=False)

    hooks = [part.register_forward_pre_hook(keep) for part in generator.modules() if isinstance(part, norms)]
    try:
        with torch.no_grad():
            generator(evidence.latents(generator.z_dim, max(_FEWEST, min(_MOST, _PIXELS // generator.resolution**2))))
    finally:
        for hook in hooks:
            hook.remove()
