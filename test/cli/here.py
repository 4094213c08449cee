# SPDX-License-Identifier: MIT
"""Puts exocore_cli on the path of a test and runs the command in this process."""

import contextlib
import io
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "sdk/bin"))

from exocore_cli import cli  # noqa: E402


def exocore(*argv):
    """Runs `exocore argv…`; returns (exit status, stdout, stderr)."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = cli.main(list(argv))
        except SystemExit as end:  # argparse's way
            status = end.code
    return status, out.getvalue(), err.getvalue()
