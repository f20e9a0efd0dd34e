"""Runs the server and measures the callbacks of its event loop: ``watched_server.py FILE COMMAND ...``.

During a callback no other caller is served. Each is measured in CPU time of its thread, so that other processes of the
machine do not count. On SIGUSR1 the longest one since the last signal is written to FILE in milliseconds.
"""

import asyncio
import signal
import sys
import threading
import time
from pathlib import Path

from app.cli.command_line import main


class LongestCallback:
    """The longest callback since the last report, in seconds of CPU time."""

    def __init__(self, file: Path) -> None:
        self.seconds = 0.0
        self._file = file

    def install(self) -> None:
        """Measure every callback of the loop in the main thread, and report on SIGUSR1."""
        run, loop_thread = asyncio.Handle._run, threading.main_thread()  # noqa: SLF001 - asyncio has no public hook

        def measured(handle: asyncio.Handle) -> None:
            begin = time.thread_time()
            run(handle)
            if threading.current_thread() is loop_thread:
                self.seconds = max(self.seconds, time.thread_time() - begin)

        asyncio.Handle._run = measured  # type: ignore[method-assign]  # noqa: SLF001 - as above
        signal.signal(signal.SIGUSR1, lambda *_: self.report())

    def report(self) -> None:
        """Write the longest callback in milliseconds, and begin again."""
        self._file.write_text(f"{self.seconds * 1e3:.0f}")
        self.seconds = 0.0


if __name__ == "__main__":
    LongestCallback(Path(sys.argv.pop(1))).install()
    main()
