"""Run a command that cannot outlive the lab: `guard.py COMMAND...`, with the lab's pipe as standard input.

The command takes this process's place, so that its process id and exit status are the lab's to see. A
watchdog stays behind in the same process group; when the pipe closes, because the lab closed it or died in
whatever way, it kills the group. Unlike PR_SET_PDEATHSIG this reaches grandchildren too, does not depend on
which thread of the lab started the command, and works on every Unix.

Runs as a plain script under ``python -I -S`` to start fast: standard library only, no package imports.
"""

import os
import signal
import sys


def watch() -> None:
    """Wait for the end of standard input, then kill the process group, this process included."""
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 1)  # or the reader of the command's output would wait for this process to close it
    os.dup2(null, 2)
    while os.read(0, 4096):
        pass
    os.killpg(os.getpgrp(), signal.SIGKILL)


def main(command: list[str]) -> None:
    """Leave a watchdog behind and become the command."""
    child = os.fork()
    if child == 0:
        if os.fork() == 0:  # the watchdog is a grandchild: the command must not find a child it did not start
            watch()
        os._exit(0)
    os.waitpid(child, 0)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    try:
        os.execvp(command[0], command)
    except OSError as error:
        sys.stderr.write(f"cannot run {command[0]}: {error.strerror}\n")
        sys.stderr.flush()
        os._exit(127)


if __name__ == "__main__":
    main(sys.argv[1:])
