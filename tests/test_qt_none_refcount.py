"""PySide6 6.12.0 on Python <= 3.11 drops a reference to None at every void call and aborts the process after some 100,000 of them."""

import subprocess
import sys

import pytest

pytest.importorskip("PySide6")

_CALLS = """
from PySide6.QtCore import QObject
thing = QObject()
for _ in range(200_000):
    thing.setObjectName("x")
print("alive")
"""


def test_many_void_calls_do_not_end_the_process() -> None:
    run = subprocess.run([sys.executable, "-c", _CALLS], capture_output=True, text=True, timeout=120, check=False)
    assert run.stdout.strip() == "alive", run.stderr
    assert run.returncode == 0
