"""Observable values: assign one, and everything bound to it follows."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar, cast, overload

from PySide6.QtCore import QObject, Signal, SignalInstance

T = TypeVar("T")


class Property(Generic[T]):
    """A value of a QObject with its own signal, `<name>_changed`, emitted only if the value really changes."""

    def __init__(self, default: T) -> None:
        self.default = default

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name
        setattr(owner, f"{name}_changed", Signal(object))

    @overload
    def __get__(self, instance: None, owner: type) -> "Property[T]": ...
    @overload
    def __get__(self, instance: QObject, owner: type) -> T: ...
    def __get__(self, instance: QObject | None, owner: type) -> "T | Property[T]":
        if instance is None:
            return self
        return cast(T, instance.__dict__.get(self.name, self.default))

    def __set__(self, instance: QObject, value: T) -> None:
        if instance.__dict__.get(self.name, self.default) != value:
            instance.__dict__[self.name] = value
            changed(instance, self.name).emit(value)


def changed(state: QObject, name: str) -> SignalInstance:
    """Return the signal that is emitted when property `name` of `state` changes."""
    return cast(SignalInstance, getattr(state, f"{name}_changed"))


def bind(state: QObject, name: str, show: Callable[[Any], object]) -> None:
    """Call `show(value)` now and whenever property `name` of `state` changes.

    A bound method of a QObject is disconnected when that object is deleted.
    """
    changed(state, name).connect(show)
    show(getattr(state, name))
