"""The exceptions whose text is meant for the user, and what to say of all others."""


_LONGEST = 300  # characters of a reason: a damaged file may be quoted in it


class UserError(Exception):
    """Something that the user can correct, in one line: the command line prints it and exits, the studio shows it."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))


def reason(error: BaseException) -> str:
    """What went wrong, short: the system's words for an OSError ("no space left on device"), else the first line of the error."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror[:1].lower() + error.strerror[1:]
    lines = str(error).strip().splitlines()
    return lines[0][:_LONGEST] if lines else type(error).__name__


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the machine or the graphics card had too little memory. Knows torch's errors without importing torch."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in ("out of memory", "DefaultCPUAllocator"))


class Cancelled(UserError):
    """Long work was stopped because the user asked for it. Nothing half made is left."""

    def __init__(self, message: str = "cancelled") -> None:
        super().__init__(message)


class TooLittleSaid(UserError):
    """What a person said does not show a taste yet: no fault, only too early to teach."""
