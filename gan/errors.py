"""Exceptions with messages for the user, and short descriptions of all others."""


_LONGEST = 300  # characters of a reason, which may quote a damaged file


class UserError(Exception):
    """A problem that the user can correct, as one line: the command line prints it and exits, the studio shows it."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))


def reason(error: BaseException) -> str:
    """A short description of an error: for an OSError the system's message ("no space left on device"), else the first line of its text."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror[:1].lower() + error.strerror[1:]
    lines = str(error).strip().splitlines()
    return lines[0][:_LONGEST] if lines else type(error).__name__


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the machine or the GPU ran out of memory. Recognises torch's errors without importing torch."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in ("out of memory", "DefaultCPUAllocator"))


class Cancelled(UserError):
    """The user stopped a long operation. No partial results are left."""

    def __init__(self, message: str = "cancelled") -> None:
        super().__init__(message)


class TooLittleSaid(UserError):
    """The feedback does not show a taste yet: not a failure, it is just too early to teach."""
