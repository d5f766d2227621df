"""Modules shared by the generators of lightweight-gan and stylegan2-pytorch. Attributes are named as in those programs' files."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

HEAD = 64  # width of an attention head


def blur(x: Tensor) -> Tensor:
    """Binomial low-pass [1, 2, 1] x [1, 2, 1] / 16, mirrored at the borders. (N, C, R, R) -> the same."""
    row = torch.tensor([1.0, 2.0, 1.0], dtype=x.dtype, device=x.device) / 4.0
    kernel = (row[:, None] * row[None, :]).expand(x.shape[1], 1, 3, 3)
    return F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), kernel, groups=x.shape[1])


class BatchNorm(nn.Module):
    """Batch normalisation by stored statistics."""

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias)


class ChannelNorm(nn.Module):
    """Normalises the channels of each pixel to mean 0 and variance 1, then applies an affine map."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.g, self.b = (
            nn.Parameter(torch.ones(1, channels, 1, 1)),
            nn.Parameter(torch.zeros(1, channels, 1, 1)),
        )

    def forward(self, x: Tensor) -> Tensor:
        variance, mean = torch.var_mean(x, dim=1, unbiased=False, keepdim=True)
        return (x - mean) / (variance + 1e-5).sqrt() * self.g + self.b


class Separable(nn.Module):
    """A depthwise convolution, then a pointwise one."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.net = nn.ModuleList(
            [
                nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs, bias=False),
                nn.Conv2d(inputs, outputs, 1, bias=False),
            ]
        )

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.net:
            x = layer(x)
        return x


def linear_attention(q: Tensor, kv: Tensor, heads: int) -> Tensor:
    """Attention whose cost is linear in the number of pixels (Shen et al. 2018, arXiv 1812.01243).

    q (N, C, H, W) and kv (N, 2C, H, W) -> (N, C, H, W), C = heads x width.
    """
    n, width, height, side = q.shape

    def split(x: Tensor) -> Tensor:  # (N, heads, width, pixels)
        return x.reshape(n, heads, width // heads, height * side)

    k, v = kv.chunk(2, dim=1)
    query, key, value = split(q).softmax(dim=2) * (width // heads) ** -0.5, split(k).softmax(dim=3), split(v)
    context = key @ value.transpose(2, 3)  # (N, heads, width, width)
    return F.gelu((context.transpose(2, 3) @ query).reshape(n, width, height, side))
