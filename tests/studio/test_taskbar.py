"""The progress on the taskbar, heard on a session bus of its own."""

import shutil
import subprocess
import sys

import pytest

PROGRAMS = ("dbus-run-session", "dbus-monitor")
LACKING = [name for name in PROGRAMS if shutil.which(name) is None]
SAY = """
import time
from PySide6.QtCore import QCoreApplication
app = QCoreApplication([])
from studio.ui.announcer import launcher_progress
launcher_progress(0.25)
launcher_progress(None)
app.processEvents()
time.sleep(0.3)
"""


@pytest.mark.skipif(bool(LACKING), reason=f"needs {', '.join(LACKING)}")
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="this taskbar is Linux's")
def test_progress_is_heard_on_the_session_bus() -> None:
    match = "type='signal',interface='com.canonical.Unity.LauncherEntry'"
    script = f'dbus-monitor --session "{match}" & sleep 0.5; "{sys.executable}" -c "$1"; kill $!; wait'
    done = subprocess.run(
        ["dbus-run-session", "--", "sh", "-c", script, "sh", SAY],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    heard = done.stdout
    assert heard.count("member=Update") == 2, done.stderr
    assert heard.count('string "application://tastemaker.desktop"') == 2
    first, last = heard.split("member=Update")[1:]
    assert "double 0.25" in first and "boolean true" in first
    assert "boolean false" in last
