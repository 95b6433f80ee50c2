"""Runs one engine in a process of its own, with a time limit."""

import os
import signal
import subprocess
import sys
import tempfile

TIMEOUT = {"spark": 900}  # seconds for one process of an engine
OTHERS = 600


def run(engine, script, arguments, folder):
    """Runs a script beside this file with folder as working folder. Gives its
    exit code, a text if it took too long, and its output."""
    command = [sys.executable, os.path.join(os.path.dirname(os.path.abspath(__file__)), script), *arguments]
    with tempfile.TemporaryFile("w+") as output:
        # A session of its own, so that what an engine has started ends with it.
        child = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, cwd=folder, start_new_session=True)
        code = wait(child, TIMEOUT.get(engine, OTHERS))
        output.seek(0)
        return code, output.read()


def wait(child, seconds):
    try:
        return child.wait(seconds)
    except subprocess.TimeoutExpired:
        return f"none after {seconds} s"
    finally:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
