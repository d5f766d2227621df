"""Weights for a network that is known in every part: they fit exactly, or the file is refused."""

from torch import Tensor, nn

from gan.formats.importing.source import check_weights
from gan.formats.importing.values import Malformed, TensorRef


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
