"""What a group of services prints."""

from __future__ import annotations

import subprocess
import sys

# Signals come in the middle of lines, as Ctrl-C does where services have much to say.
PROGRAM = """
import signal
import sys
from datetime import datetime

from honcho.printer import Message

from dataflow.service.group_output import GroupPrinter

printer = GroupPrinter(sys.stdout)
now = datetime.now
told = 0


def tell(*_):
    global told
    told += 1
    printer.write(Message("line", "stopping", now(), "system", None))


signal.signal(signal.SIGALRM, tell)
signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
while told < 500:
    printer.write(Message("line", "a line", now(), "dagster", None))
signal.setitimer(signal.ITIMER_REAL, 0)
"""


def test_a_signal_in_the_middle_of_a_line_stops_nothing() -> None:
    """Its handler prints, too: a service that writes much can be stopped at any moment."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], stdout=subprocess.DEVNULL, check=False, timeout=60
    )
    assert done.returncode == 0
