"""Tastemaker's library: generators, a person's taste, and the tuning of one to the other. No window code in here.

>>> import gan
>>> model = gan.load("dreamscapes")                # or a bundle folder
>>> images = model.sample(seeds=range(16))          # uint8 (16, H, W, 3)
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gan.model import Model, load, wrap

__version__ = "0.1.0"
__all__ = ["Model", "__version__", "load", "wrap"]


def __getattr__(name: str) -> Any:
    # torch takes over a second to import, so it is loaded when a model first is (PEP 562), not with the package.
    if name in ("Model", "load", "wrap"):
        from gan import model  # noqa: PLC0415

        return getattr(model, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
