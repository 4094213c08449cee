# SPDX-License-Identifier: MIT
"""exocore image: an app's disk image, as a file to give away, or into a slot of one."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from . import build, gpt, packages, sign
from . import image as image_format
from . import run as run_command
from .report import UserError, say

FORMATS = {"raw": "a disk as it is", "iso": "the same file: it is a CD as it is",
           "qcow2": "for QEMU", "vmdk": "for VMware and VirtualBox"}
CONVERTED = ("qcow2", "vmdk")
FIRST_BYTES = {"qcow2": b"QFI\xfb", "vmdk": b"KDMV"}


def add_arguments(parser):
    """The command's options."""
    parser.add_argument("app", metavar="APP", help="a folder of examples/")
    parser.add_argument("-o", "--output", metavar="FILE", type=Path,
                        help="write the image there (without it: say where the build has it)")
    parser.add_argument("--cmdline", metavar="TEXT", help="the app's command line")
    parser.add_argument("--format", default="raw", choices=list(FORMATS), help="; ".join(
        f"{name}: {what}" for name, what in FORMATS.items()))
    parser.add_argument("--slot", choices=["A", "B"],
                        help="write the app into one slot of the raw image FILE, which may "
                        "be a disk's device; it is tried three times before the other slot comes "
                        "back, unless it confirms")
    parser.add_argument("--sign", nargs=2, metavar=("KEY", "CERT"), type=Path,
                        help="sign the UEFI loader for Secure Boot (PEM files): it then runs only "
                        "the kernels that are in the image now, with the command line in it")


def check(args):
    """Every contradiction, before anything is built."""
    build.check_app(args.app)
    if args.output is None:
        for option in "cmdline", "slot", "sign":
            if getattr(args, option) is not None:
                raise UserError(f"--{option} needs -o FILE", 2)
        if args.format != "raw":
            raise UserError("--format needs -o FILE", 2)
        return
    for file in args.sign or ():
        if not file.is_file():
            raise UserError(f"--sign: there is no file {file}", 2)
    if args.slot is None:
        check_new(args)
    else:
        check_slot(args)


def check_new(args):
    """A whole image is to be written."""
    check_output(args.output)
    ending = args.output.suffix[1:].lower()
    if ending in CONVERTED and args.format != ending:
        raise UserError(f"-o {args.output}: a file of that name would not be {ending}: add "
                        f"--format {ending}, or choose another name", 2)
    if args.cmdline is not None:
        try:
            image_format.cmdline_bytes(args.cmdline)
        except ValueError as error:
            raise UserError(f"--cmdline: {error}", 2) from None


def check_slot(args):
    """One slot of an image that is there is to be written."""
    if args.cmdline is not None:
        raise UserError("--cmdline belongs to the whole image, not to a slot: leave one out", 2)
    if args.format != "raw":
        raise UserError("--slot writes into raw images: convert the others before and after", 2)
    if not (args.output.is_file() or args.output.is_block_device()):
        raise UserError(f"--slot: there is no image {args.output}: make it without --slot first", 2)
    with args.output.open("rb") as file:
        start = file.read(4)
    for kind, first in FIRST_BYTES.items():
        if start == first:
            raise UserError(f"--slot writes into raw images, and {args.output} is a {kind} one: "
                            f"qemu-img convert -f {kind} -O raw makes it raw", 2)


def check_output(output):
    """A file is replaced by the new one when that is whole: nothing else may stand there."""
    target = output.resolve()
    if not target.parent.is_dir():
        raise UserError(f"-o {output}: there is no directory {target.parent}", 2)
    if target.is_dir():
        raise UserError(f"-o {output} is a directory: name a file", 2)
    if target.exists() and not target.is_file():
        raise UserError(f"-o {output} is a device, or no file: write one, and copy it with dd", 2)
    if target.parent in [(build.BUILD / app).resolve() for app in build.apps()]:
        raise UserError(f"-o {output} is in a folder that belongs to the build: choose another", 2)


def run(args):
    """The command. Returns the exit status."""
    check(args)
    run_command.end_by_exception()
    try:
        return write(args)
    except run_command.Terminated as error:
        raise run_command.ended_by(error) from None


def write(args):
    """What the arguments say, which are checked. Returns the exit status."""
    packages.ensure("image", build.LOGS)
    if args.format in CONVERTED:
        packages.ensure("convert", build.LOGS)
    if args.sign:
        packages.ensure("sign", build.LOGS)
    build.bring_up_to_date(args.app)
    manifest = build.manifest(args.app)
    try:
        if args.slot:
            if args.sign:  # what cannot be signed is to be known before the first write
                sign.signed_loader(args.output, *args.sign)
            image_format.write_slot(args.output, args.slot, Path(manifest["elf"]).read_bytes())
            if args.sign:
                sign.sign_image(args.output, *args.sign)
            say(f"{args.app}: in slot {args.slot} of {args.output}")
            return 0
        if args.output:
            export(Path(manifest["image"]), args.output, args.format, args.cmdline, args.sign)
    except gpt.GptError as error:
        raise UserError(f"{args.output}: {error}: is it an image that exocore made?") from None
    except ValueError as error:
        raise UserError(str(error)) from None
    except OSError as error:
        if error.filename:
            raise
        raise UserError(f"{args.output}: {error.strerror}") from None
    say(f"{args.app}: {args.output or manifest['image']}")
    say("  ".join(f"{kind} {count}" for kind, count in manifest["bytes"].items()))
    return 0


def export(source, output, kind, cmdline, keys=None):
    """Writes a copy of the image `source`, whole or not at all."""
    output = output.resolve()
    with tempfile.TemporaryDirectory(prefix=".exocore-", dir=output.parent) as folder:
        copy = Path(folder) / "disk"
        with open(source, "rb") as image, open(copy, "wb") as file:
            shutil.copyfileobj(image, file)
        if cmdline is not None:
            image_format.set_cmdline(copy, cmdline)
        if keys:
            sign.sign_image(copy, *keys)
        if kind in CONVERTED:
            copy = converted(copy, kind, Path(folder) / kind / output.name)
        os.replace(copy, output)


def converted(raw, kind, target):
    """The same disk in another format, as `target`, in a folder of its own. The name is the last
    one from the beginning, for a vmdk has it in its descriptor."""
    target.parent.mkdir()
    done = subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", kind, raw, target],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, text=True)
    if done.returncode:
        raise UserError(f"qemu-img: {done.stdout.strip()}")
    return target
