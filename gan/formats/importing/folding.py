"""Replaces the tensors of spectral and weight normalisation by the weights that they stand for, and says how to give them back."""

import torch
import torch.nn.functional as F
from torch import Tensor

from gan.formats.importing.values import Malformed
from gan.networks.reparametrised import Form, Reparametrised

# What the original code keeps beside a weight, by the names of the buffers of `networks.reparametrised.Kept`.
Beside = tuple[Reparametrised, dict[str, Tensor]]
_SPECTRAL: tuple[tuple[Form, str], ...] = (
    ("spectral_parametrization", "parametrized"), ("spectral", "weight_orig"), ("spectral_bar", "weight_bar"), ("spectral_own", "weight"),
    ("spectral_numbered", "weight"),
)  # fmt: skip
# Layers of their own, which iterate once more whenever they draw: the vector and the value that they keep.
_OWN: dict[Form, tuple[str, str]] = {"spectral_own": ("sn_u", "sn_sigma"), "spectral_numbered": ("u0", "sv0")}
_LENGTHS: tuple[tuple[Form, str, str], ...] = (
    ("length", "weight_g", "weight_v"), ("length_parametrization", "weight_original0", "weight_original1")
)  # fmt: skip


def leaf_of(key: str) -> tuple[str, str]:
    """Name of a tensor's module, and its name in that module; those of torch's parametrizations are shortened."""
    name, _, leaf = key.rpartition(".")
    if name.endswith(".parametrizations.weight") or name == "parametrizations.weight":
        return name.removesuffix("parametrizations.weight").rstrip("."), "parametrized" if leaf == "original" else f"weight_{leaf}"
    if name.endswith("parametrizations.weight.0"):  # the vectors of spectral normalisation
        return name.removesuffix("parametrizations.weight.0").rstrip("."), f"weight{leaf}"
    return name, leaf


def fold(leaves: dict[str, Tensor]) -> tuple[dict[str, Tensor], Beside | None, bool]:
    """The plain tensors of a module.

    Parameters
    ----------
    leaves : its tensors by their names in it, as of `leaf_of`.

    Returns
    -------
    The tensors with a plain weight; what the original code keeps beside it, if there was a normalisation; and whether that is lost.

    Raises
    ------
    Malformed
        The tensors of a normalisation do not fit one another.
    """
    for form, key in _SPECTRAL:
        left, sigma = _OWN.get(form, ("weight_u", key))
        if key in leaves and left in leaves and sigma in leaves:
            return _spectral(dict(leaves), form, key, left)
    for form, gain, direction in _LENGTHS:
        if gain in leaves and direction in leaves:
            rest = dict(leaves)
            return _length(rest, form, rest.pop(gain), rest.pop(direction))
    return leaves, None, False


def _spectral(rest: dict[str, Tensor], form: Form, key: str, left: str) -> tuple[dict[str, Tensor], Beside, bool]:
    whole, u, v = rest.pop(key), rest.pop(left), rest.pop("weight_v", None)
    if form in _OWN:
        u, fits = u.flatten(), u.dim() == 2 and rest.pop(_OWN[form][1]).numel() == 1
    else:
        fits = u.dim() == 1
    if whole.dim() < 2 or not fits or any(x is not None and (x.dim() != 1 or x.dtype != whole.dtype) for x in (u, v)):
        raise Malformed("its spectrally normalised weights do not fit one another")
    if form in _OWN or form == "spectral_bar":
        along, sigma = 0, _one_step(whole, u)
    else:
        along, sigma = spectral_norm(whole, u, v)
    if form == "spectral" and v is None:
        form = "spectral_left"
    if form in {"spectral_parametrization", "spectral_bar"} and v is None:
        raise Malformed("its spectrally normalised weights do not fit one another")
    tensors = {"u": u, "sigma": sigma.reshape(1)} | ({} if v is None else {"v": v})
    return {"weight": _finite(whole / sigma), **rest}, (Reparametrised(form, int(whole.shape[along]), along), tensors), False


def _length(rest: dict[str, Tensor], form: Form, g: Tensor, v: Tensor) -> tuple[dict[str, Tensor], Beside | None, bool]:
    if g.dim() != v.dim() or any(a not in {1, b} for a, b in zip(g.shape, v.shape, strict=True)):
        raise Malformed("its normalised weights do not fit one another")
    over = tuple(i for i in range(v.dim()) if g.shape[i] == 1)
    weight = _finite(g * v / v.square().sum(dim=over, keepdim=True).sqrt())
    sides = [i for i in range(v.dim()) if g.shape[i] > 1] or [0]
    if len(sides) > 1 or sides[0] > 1 or g.numel() != v.shape[sides[0]]:
        return {"weight": weight, **rest}, None, True
    return {"weight": weight, **rest}, (Reparametrised(form, int(v.shape[sides[0]]), sides[0]), {"g": g.flatten()}), False


def spectral_norm(weight: Tensor, u: Tensor, v: Tensor | None) -> tuple[int, Tensor]:
    """The dimension of a weight that is the rows of its matrix, and the matrix's largest singular value, from its singular vectors.

    Raises
    ------
    Malformed
        The vectors are not as long as its rows and columns.
    """
    # For a transposed convolution the rows of the matrix are dimension 1. If both dimensions have the same length, the larger value is
    # the right one: for the other matrix, u and v are not the singular vectors.
    found: list[tuple[int, Tensor]] = []
    for along, matrix in enumerate((weight.flatten(1), weight.transpose(0, 1).flatten(1))):
        if matrix.shape[0] == u.numel() and (v is None or v.numel() == matrix.shape[1]):
            found.append((along, u @ matrix @ v if v is not None else (u @ matrix).norm()))
    if not found:
        raise Malformed("its spectrally normalised weights do not fit one another")
    return max(found, key=lambda pair: float(pair[1]))


def _one_step(weight: Tensor, u: Tensor) -> Tensor:
    """The same of layers that iterate once more whenever they draw."""
    matrix = weight.flatten(1)
    if matrix.shape[0] != u.numel():
        raise Malformed("its spectrally normalised weights do not fit one another")
    v = F.normalize(u @ matrix, dim=0, eps=1e-12)
    return F.normalize(matrix @ v, dim=0, eps=1e-12) @ matrix @ v


def _finite(weight: Tensor) -> Tensor:
    if not torch.isfinite(weight).all():
        raise Malformed("its normalised weights have no length")
    return weight
