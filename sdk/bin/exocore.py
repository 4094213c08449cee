# SPDX-License-Identifier: MIT
"""Entry of the exocore command; ./exocore starts it."""

import sys

sys.dont_write_bytecode = True
if sys.version_info < (3, 9):
    sys.exit("exocore: needs Python 3.9 or later; this is %d.%d" % sys.version_info[:2])

from exocore_cli.cli import main  # noqa: E402  (after the check of the version)

sys.exit(main(sys.argv[1:]))
