# SPDX-License-Identifier: MIT
"""The command line: commands, help, and how each error reaches the user."""

import argparse
import sys

from . import bench, build, explain, image_command, run, test
from .report import UserError

DESCRIPTION = """\
Builds, boots and tests exocore apps. Whatever a command needs is installed (apt-get) and
built on its first run; later runs only do what has changed.
"""
EXAMPLES = """\
examples:
  ./exocore run hello                     boot an app in QEMU
  ./exocore run web --port 9000:80        … and reach its port 80 as 127.0.0.1:9000
  ./exocore run web --gdb                 … and debug it
  ./exocore run web --firmware direct --machine microvm    … in the fastest machine
  ./exocore image web -o web.img          write its disk image
  ./exocore explain console.log           a report of a crash, with its source lines
  ./exocore bench boot                    what booting costs
  ./exocore test                          run every test
  ./exocore test -R packet                … those that ctest selects
"""
RUN_DESCRIPTION = """\
Boots an app from its disk image in QEMU. The console is this terminal; Ctrl-C ends the
machine. The exit status is the app's own (what main returns or exit is given); 101 is a
panic, 102 a CPU fault, 124 --timeout, 130 Ctrl-C, 1 also a machine that cannot start.
The report of a panic or a fault is repeated with its source lines.
"""
EXPLAIN_DESCRIPTION = """\
Reads what an image said when it died, and prints it with the functions, files and lines of its
sources. The image is recognised by its build id.
"""
IMAGE_DESCRIPTION = """\
Builds an app's disk image, one file for every firmware: BIOS and UEFI, disk, USB stick and CD.
With -o it is written to FILE; with --slot only the app in FILE is replaced, in a way that
leaves something that boots whenever the power goes.
"""


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
    image_command.add_arguments(command(
        "image", image_command.run, "build an app's disk image", IMAGE_DESCRIPTION))
    bench.add_arguments(command(
        "bench", bench.run, "measure, beside limits and other systems",
        "Measures in QEMU and prints a table: the figure, the least that is possible or the\n"
        "goal, and what other systems need. Instruction counts are the same on every run; wall\n"
        "times swing with the host, and only their ratios mean something. The first run of\n"
        "primitives fetches a Linux kernel to compare with."))
    explain.add_arguments(command("explain", explain.run, "a crash report with its source lines",
                                  EXPLAIN_DESCRIPTION))
    command("test", test.run, "run the tests; further arguments go to ctest",
            "Builds what the chosen tests need, for all of them minutes the first time, and\n"
            "runs ctest in the host tree (sanitizers) and the metal tree (images). Further\n"
            "arguments go to ctest: -R REGEX, -L LABEL, -V …"
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
        why = f"{error.filename}: {error.strerror}" if error.filename else error
        print(f"exocore: {why}", file=sys.stderr)
        return 1
