"""Independent, slow references for StyleGAN2: the papers' equations taken literally, one image and one zero at a time."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from gan.networks.stylegan2 import StyleGAN2, StyleGAN2Config
from gan.networks.stylegan2_discriminator import StyleGAN2Discriminator, StyleGAN2DiscriminatorConfig
from gan.networks.stylegan2_layers import MappingConfig


def small_generator(seed: int = 0, classes: int = 0, **how: object) -> StyleGAN2:
    """16 px, every number random that training would move, so that nothing cancels by being zero."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        mapping = MappingConfig(12, classes, 9 if classes else 0, layers=3, hidden=10, outputs=14)
        options: dict[str, object] = {"resolution": 16, "mapping": mapping, "channels": (12, 10, 8)}
        generator = StyleGAN2(StyleGAN2Config(**{**options, **how}))  # type: ignore[arg-type]
        shake(generator)
        generator.w_avg.normal_()
    return generator.eval()


def small_discriminator(seed: int = 0, classes: int = 0, **how: object) -> StyleGAN2Discriminator:
    """The one that goes with it."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        mapping = MappingConfig(0, classes, 6, layers=2, hidden=7, outputs=5) if classes else None
        options: dict[str, object] = {"resolution": 16, "channels": (8, 10, 12), "mapping": mapping}
        discriminator = StyleGAN2Discriminator(StyleGAN2DiscriminatorConfig(**{**options, **how}))  # type: ignore[arg-type]
        shake(discriminator)
    return discriminator.eval()


def shake(network: torch.nn.Module) -> None:
    """Biases and noise strengths away from where they start."""
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith(("bias", "noise_strength")):
                parameter.add_(torch.randn_like(parameter) * 0.3)


def upsampled(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """(R, R) -> (2R, 2R): zeros after each pixel, then `filtered`, times 4."""
    side = len(x) * 2
    spread = np.zeros((side, side))
    spread[::2, ::2] = x
    taps = len(kernel)
    return 4 * filtered(spread, kernel, (taps + 1) // 2, (taps - 2) // 2)


def filtered(x: np.ndarray, kernel: np.ndarray, before: int, after: int) -> np.ndarray:
    """The sum over taps of pixel times reversed tap, at every place where the kernel fits the padded image."""
    side, taps = len(x), len(kernel)
    padded = np.zeros((side + before + max(after, 0),) * 2)
    padded[before : before + side, before : before + side] = x
    if after < 0:
        padded = padded[:after, :after]
    size = len(padded) - taps + 1
    out = np.zeros((size, size))
    for i in range(size):
        for j in range(size):
            out[i, j] = (padded[i : i + taps, j : j + taps] * kernel[::-1, ::-1]).sum()
    return out


def drawn(generator: StyleGAN2, z: Tensor, psi: float = 1.0) -> Tensor:
    """One latent (noise_width,) of an unconditional generator -> (C, R, R), in float64, by per-image weights and literal zeros."""
    config = generator.config
    get = {name: value.double() for name, value in generator.state_dict().items()}
    lr = config.mapping.lr_multiplier

    def act(x: Tensor, gain: float = 1.0) -> Tensor:
        x = torch.where(x > 0, x, x * 0.2) * 2**0.5 * gain
        return x if config.clamp is None else x.clamp(-config.clamp * gain, config.clamp * gain)

    x = z.double() / z.double().square().mean().add(1e-8).sqrt()
    for i in range(config.mapping.layers):
        weight, bias = get[f"mapping.fc{i}.weight"], get[f"mapping.fc{i}.bias"]
        x = weight @ x * lr / weight.shape[1] ** 0.5 + bias * lr
        x = torch.where(x > 0, x, x * 0.2) * 2**0.5
    w = get["w_avg"] + psi * (x - get["w_avg"])
    kernel = get["synthesis.resample_filter"].numpy()

    def doubled(image: Tensor) -> Tensor:
        return torch.from_numpy(np.stack([upsampled(channel.numpy(), kernel) for channel in image]))

    def style(name: str) -> Tensor:
        weight = get[f"{name}.affine.weight"]
        return weight @ w / weight.shape[1] ** 0.5 + get[f"{name}.affine.bias"]

    def styled(image: Tensor, name: str, up: bool = False, gain: float = 1.0) -> Tensor:
        own = get[f"{name}.weight"] * style(name)[:, None, None]  # eq. 1
        own = own / own.square().sum(dim=(1, 2, 3), keepdim=True).add(1e-8).sqrt()  # eq. 3
        if up:
            # A convolution of the image with zeros between its pixels, then the filter; padding is left to the filter.
            side = image.shape[1] * 2
            spread = torch.zeros(len(image), side, side, dtype=torch.float64)
            spread[:, ::2, ::2] = image
            wide = F.conv2d(F.pad(spread, (2, 1, 2, 1))[None], own.flip((2, 3)))[0]
            taps = len(kernel)
            before, after = (taps + 1) // 2 - 1, (taps - 2) // 2
            y = torch.from_numpy(np.stack([4 * filtered(c.numpy(), kernel, before, after) for c in wide]))
        else:
            y = F.conv2d(image[None], own, padding=1)[0]
        y = (
            y
            + get[f"{name}.noise_const"] * get[f"{name}.noise_strength"]
            + get[f"{name}.bias"][:, None, None]
        )
        return act(y, gain)

    features = get["synthesis.b4.const"]
    image: Tensor | None = None
    for level in range(len(config.channels)):
        block = f"synthesis.b{4 << level}"
        residual = config.architecture == "resnet" and level > 0
        gain = 0.5**0.5 if residual else 1.0
        before = features
        if level:
            features = styled(features, f"{block}.conv0", up=True)
        features = styled(features, f"{block}.conv1", gain=gain)
        if residual:
            weight = get[f"{block}.skip.weight"]
            features = features + doubled(F.conv2d(before[None], weight / weight.shape[1] ** 0.5)[0]) * gain
        image = None if image is None else doubled(image)
        if config.architecture == "skip" or level == len(config.channels) - 1:
            weight = get[f"{block}.torgb.weight"] / get[f"{block}.torgb.weight"].shape[1] ** 0.5
            pixels = F.conv2d(features[None], weight * style(f"{block}.torgb")[:, None, None])[0]
            pixels = pixels + get[f"{block}.torgb.bias"][:, None, None]
            pixels = pixels if config.clamp is None else pixels.clamp(-config.clamp, config.clamp)
            image = pixels if image is None else image + pixels
    assert image is not None
    return image
