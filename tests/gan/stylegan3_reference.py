"""Independent, slow references for StyleGAN3: the paper taken literally, one image and one inserted zero at a time."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from gan.networks.stylegan2_layers import MappingConfig
from gan.networks.stylegan3 import StyleGAN3, StyleGAN3Config, progression
from gan.networks.stylegan3_layers import FilterConfig


def small_generator3(
    seed: int = 0, classes: int = 0, layers: int = 3, resolution: int = 16, image_channels: int = 3, radial: int = 0, **how: object
) -> StyleGAN3:
    """Every number random that training would move, so that nothing cancels by being zero or one."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        signals = progression(resolution, layers, 4 * resolution, 6, image_channels, 1, 4)
        options: dict[str, object] = {
            "resolution": resolution,
            "mapping": MappingConfig(12, classes, 10 if classes else 0, layers=2, hidden=10, outputs=10),
            "signals": signals,
            "filters": FilterConfig(kernel=1 if radial else 3),
            "radial": radial,
        }
        generator = StyleGAN3(StyleGAN3Config(**{**options, **how}))  # type: ignore[arg-type]
        with torch.no_grad():
            for name, value in generator.named_parameters():
                if name.endswith("bias"):
                    value.add_(torch.randn_like(value) * (20.0 if name.startswith("mapping") else 0.3))
            generator.synthesis.input.affine.weight.normal_(std=0.5)
            for name, value in generator.named_buffers():
                if name.endswith("magnitude_ema"):
                    value.uniform_(0.3, 2.0)
            generator.w_avg.normal_()
    return generator.eval()


def filtered(
    x: Tensor, up: Tensor | None, down: Tensor | None, factors: tuple[int, int], padding: tuple[int, int], clamp: float | None
) -> Tensor:
    """(C, S, S) -> (C, S', S'): zeros inserted, padded or cropped, filtered, rectified with its gain, filtered, thinned out."""
    side = x.shape[1] * factors[0]
    spread = torch.zeros(len(x), side, side, dtype=x.dtype)
    spread[:, :: factors[0], :: factors[0]] = x
    low, high = padding
    spread = F.pad(spread, (low, high, low, high))  # negative numbers crop
    fine = _convolved(spread, up) * factors[0] ** 2
    bent = torch.where(fine > 0, fine, 0.2 * fine) * math.sqrt(2.0)
    if clamp is not None:
        bent = bent.clamp(-clamp, clamp)
    return _convolved(bent, down)[:, :: factors[1], :: factors[1]]


def _convolved(x: Tensor, kernel: Tensor | None) -> Tensor:
    if kernel is None:
        return x
    square = (kernel.outer(kernel) if kernel.dim() == 1 else kernel).flip((0, 1))
    return F.conv2d(x[:, None], square[None, None])[:, 0]


def padding(before: int, after: int, kernel: int, factors: tuple[int, int], taps: tuple[int, int]) -> tuple[int, int]:
    """Zeros around the spread samples such that both filters fit and the centre of the image stays where it is."""
    needed = (after - 1) * factors[1] + 1 + (taps[0] - 1) + (taps[1] - 1)
    total = needed - (before + kernel - 1) * factors[0]
    low = (total + factors[0]) // 2
    return low, total - low


def features(generator: StyleGAN3, w: Tensor) -> Tensor:
    """Style (W,) -> (C, S, S): each wave at the place where a turn and a shift put each sample."""
    part, signal = generator.synthesis.input, generator.config.signals[0]
    assert isinstance(part, torch.nn.Module)
    get = {name: value.detach().double() for name, value in part.state_dict().items()}
    cos, sin, right, down = get["affine.weight"] @ w / len(w) ** 0.5 + get["affine.bias"]
    length = math.hypot(cos, sin)
    turn = torch.tensor([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, length]], dtype=torch.float64) / length
    shift = torch.eye(3, dtype=torch.float64)
    shift[:2, 2] = -torch.stack([right, down]) / length
    moved = turn @ shift @ get["transform"]
    image = torch.zeros(signal.channels, signal.size, signal.size, dtype=torch.float64)
    for row in range(signal.size):
        for column in range(signal.size):
            at = torch.tensor([column, row], dtype=torch.float64) + 0.5 - signal.size / 2
            place = moved @ torch.cat([at / signal.rate, torch.ones(1, dtype=torch.float64)])
            image[:, row, column] = torch.sin(2 * math.pi * (get["freqs"] @ place[:2] + get["phases"]))
    fast = (get["freqs"] @ moved[:2, :2]).norm(dim=1)
    strength = (1 - (fast - signal.cutoff) / (signal.rate / 2 - signal.cutoff)).clamp(0, 1)
    return torch.einsum("oc,chw->ohw", get["weight"] / signal.channels**0.5, image * strength[:, None, None])


def drawn3(generator: StyleGAN3, z: Tensor, psi: float = 1.0) -> Tensor:
    """One latent (noise_width,) of an unconditional generator -> (C, R, R), in float64, by per-image weights and literal zeros."""
    config = generator.config
    get = {name: value.double() for name, value in generator.state_dict().items()}
    x = z.double() / z.double().square().mean().add(1e-8).sqrt()
    for i in range(config.mapping.layers):
        weight, bias = get[f"mapping.fc{i}.weight"], get[f"mapping.fc{i}.bias"]
        x = (weight @ x / weight.shape[1] ** 0.5 + bias) * config.mapping.lr_multiplier
        x = torch.where(x > 0, x, x * 0.2) * 2**0.5
    w = get["w_avg"] + psi * (x - get["w_avg"])
    image = features(generator, w)
    before, clamp = config.signals[0], config.filters.clamp
    for i, (name, after) in enumerate(zip(config.names, config.signals, strict=True)):
        layer = {key.removeprefix(f"synthesis.{name}."): value for key, value in get.items() if key.startswith(f"synthesis.{name}.")}
        style = layer["affine.weight"] @ w / len(w) ** 0.5 + layer["affine.bias"]
        weight, gain = layer["weight"], layer["magnitude_ema"].rsqrt()
        if i == len(config.signals) - 1:
            own = weight * style[:, None, None] * gain / len(style) ** 0.5
            image = F.conv2d(image[None], own, layer["bias"])[0]
            return (image if clamp is None else image.clamp(-clamp, clamp)) * config.output_scale
        own = weight * style[:, None, None]
        own = own / own.square().sum(dim=(1, 2, 3), keepdim=True).sqrt() * gain
        size = weight.shape[2]
        image = F.conv2d(image[None], own, layer["bias"], padding=size - 1)[0]
        fine = 2 * max(before.rate, after.rate)
        factors = fine // before.rate, fine // after.rate
        kernels = layer["up_filter"], layer["down_filter"]
        margins = padding(before.size, after.size, size, factors, (len(kernels[0]), len(kernels[1])))
        image, before = filtered(image, *kernels, factors, margins, clamp), after
    raise AssertionError
