# SPDX-License-Identifier: MIT
"""The command line: commands, help, and how each error reaches the user."""

import argparse
import sys

from . import build, packages, run, test
from .report import UserError, say

DESCRIPTION = """\
Builds, boots and tests exocore apps. Whatever a command needs is installed (apt-get) and
built on its first run; later runs only do what has changed.
"""
EXAMPLES = """\
examples:
  ./exocore run hello                     boot an app in QEMU
  ./exocore run web --port 9000:80        … and reach its port 80 as 127.0.0.1:9000
  ./exocore run web --gdb                 … and debug it
  ./exocore test                          run every test
  ./exocore test -R packet                … those that ctest selects
"""
RUN_DESCRIPTION = """\
Boots an app from its disk image in QEMU. The console is this terminal; Ctrl-C ends the
machine. The exit status is the app's own (what main returns or exit is given); 101 is a
panic, 102 a CPU fault, 124 --timeout, 130 Ctrl-C, 1 also a machine that cannot start.
"""


def image(args):
    """Builds an app's image and says where it is and how large."""
    build.check_app(args.app)
    packages.ensure("image", build.LOGS)
    build.bring_up_to_date(args.app)
    manifest = build.manifest(args.app)
    say(f"{args.app}: {manifest['image']}")
    say("  ".join(f"{kind} {count}" for kind, count in manifest["bytes"].items()))
    return 0


def parser():
    """The whole command line."""
    top = argparse.ArgumentParser(prog="exocore", description=DESCRIPTION, epilog=EXAMPLES,
                                  formatter_class=argparse.RawDescriptionHelpFormatter,
                                  allow_abbrev=False)
    commands = top.add_subparsers(title="commands", metavar="COMMAND", dest="command",
                                  required=True)

    def command(name, action, summary, description):
        sub = commands.add_parser(name, help=summary, description=description, allow_abbrev=False,
                                  formatter_class=argparse.RawDescriptionHelpFormatter,
                                  epilog=f"apps: {', '.join(build.apps())}")
        sub.set_defaults(action=action)
        return sub

    run.add_arguments(command("run", run.run, "build an app and boot it in QEMU",
                              RUN_DESCRIPTION))
    command("image", image, "build an app's disk image",
            "Builds an app's disk image and says where it lies and what it weighs."
            ).add_argument("app", metavar="APP")
    command("test", test.run, "run the tests; further arguments go to ctest",
            "Builds the host tree (sanitizers) and the metal tree (images) and runs ctest in\n"
            "both. Further arguments go to ctest: -R REGEX, -L LABEL, -V …"
            ).set_defaults(filters=[])
    return top


def main(argv):
    """Returns the exit status."""
    top = parser()
    args, rest = top.parse_known_args(argv)
    if args.command == "test":
        args.filters = rest
    elif rest:
        top.error(f"unknown argument: {rest[0]} (see exocore {args.command} --help)")
    try:
        return args.action(args)
    except UserError as error:
        print(f"exocore: {error}", file=sys.stderr)
        return error.status
    except KeyboardInterrupt:
        print("\nexocore: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 1
    except OSError as error:
        print(f"exocore: {error}", file=sys.stderr)
        return 1
