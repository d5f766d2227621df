"""Relativistic pairing loss with zero-centred gradient penalties (Huang et al. 2024, "R3GAN", arXiv 2501.05441, eq. 2-4)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Mean softplus(-(D(real) - D(fake))) over pairs. Both (N,); returns a scalar."""
    return F.softplus(fake_logits - real_logits).mean()


def generator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Mean softplus(-(D(fake) - D(real))) over pairs. Both (N,); returns a scalar."""
    return F.softplus(real_logits - fake_logits).mean()


def gradient_penalty(discriminator: nn.Module, images: Tensor) -> Tensor:
    """Mean squared norm of D's gradient with respect to its input: R1 on real images, R2 on generated ones.

    Mescheder et al. 2018 (arXiv 1801.04406), eq. 9, without the factor gamma / 2. images (N, C, R, R); returns a scalar with a graph.
    """
    images = images.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(discriminator(images).sum(), images, create_graph=True)
    return gradient.square().sum(dim=(1, 2, 3)).mean()
