"""The device to use, and whether bfloat16 is faster on it."""

import functools
import time

import torch
import torch.nn.functional as F

from gan.errors import UserError


def resolve_device(name: torch.device | str | None) -> torch.device:
    """The device of that name; for None or "auto", CUDA, else Apple's MPS, else the CPU.

    Raises
    ------
    UserError
        The device does not exist here.
    """
    if isinstance(name, torch.device) and name.type not in ("cuda", "mps"):
        return name
    if name in (None, "auto"):
        if torch.cuda.is_available():
            return torch.device("cuda")
        if torch.backends.mps.is_available():
            return torch.device("mps")
        return torch.device("cpu")
    assert name is not None
    try:
        device = torch.device(name)
        name = str(name)
    except RuntimeError:
        raise UserError(f"unknown device {name!r}: use cpu, cuda, cuda:N or mps") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise UserError(f"device {name!r} is not available here: no usable CUDA GPU was found")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise UserError(f"device {name!r} is not available here: there are {torch.cuda.device_count()} CUDA GPUs")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise UserError(f"device {name!r} is not available here")
    if device.type not in ("cpu", "cuda", "mps"):
        raise UserError(f"unknown device {name!r}: use cpu, cuda, cuda:N or mps")
    return device


@functools.cache  # a later measurement on a busy machine might differ, but images must not depend on that
def bfloat16_pays(device: torch.device) -> bool:
    """Whether to compute in bfloat16 on this device.

    On a CPU, if it makes a typical convolution more than 1.2 times as fast, which is measured once in a few milliseconds; on CUDA, if it is
    supported; on other devices never.
    """
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    if device.type != "cpu":
        return False
    inputs, random = {}, torch.Generator().manual_seed(0)
    for dtype in (torch.float32, torch.bfloat16):
        x = torch.randn(8, 64, 32, 32, dtype=dtype, generator=random).to(memory_format=torch.channels_last)
        inputs[dtype] = x, torch.randn(64, 64, 3, 3, dtype=dtype, generator=random).to(memory_format=torch.channels_last)
    times = dict.fromkeys(inputs, float("inf"))
    for _ in range(6):  # alternating, so that other load on the machine slows both types
        for dtype, (x, weight) in inputs.items():
            start = time.perf_counter()
            F.conv2d(x, weight, padding=1)
            times[dtype] = min(times[dtype], time.perf_counter() - start)
    return times[torch.float32] > 1.2 * times[torch.bfloat16]
