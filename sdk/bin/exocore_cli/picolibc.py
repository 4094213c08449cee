# SPDX-License-Identifier: MIT
"""Fetches and builds picolibc, the C library that every image links.

CMake calls this program at configure time and takes the directory that it prints. The
result is shared by all build trees: its name carries a hash of the recipe (this file,
the compiler, the flags), so a changed recipe builds anew and an unchanged one is there.
"""

import argparse
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import urllib.error
import urllib.request
from pathlib import Path

VERSION = "1.8.10"
SHA256 = "d1fc2a20f217472f8d9da084a519a25678e8d91852a41c7f3f1840d3508f7163"
TARBALL = f"picolibc_{VERSION}.orig.tar.gz"
POOL_PATH = f"pool/main/p/picolibc/{TARBALL}"
UPSTREAM = f"https://github.com/picolibc/picolibc/archive/refs/tags/{VERSION}.tar.gz"
APT_HELPER = "/usr/lib/apt/apt-helper"
FETCH_SECONDS = 60

# No startup code and no hosted console: both are ours (sdk/start, sdk/libc). errno is a
# plain global: tasks are cooperative, and a call that sets it does not switch. The full
# printf is the default, so that every format works; an image that prints no floating
# point links the small one (exo_app's PRINTF integer), 9 KB less.
OPTIONS = {
    "buildtype": "plain",
    "picocrt": "false",
    "semihost": "false",
    "multilib": "false",
    "tests": "false",
    "thread-local-storage": "false",
    "tinystdio": "true",
    "io-long-long": "true",
    "specsdir": "none",
    "prefix": "/",
    "libdir": "lib",
    "includedir": "include",
}

CROSS_FILE = """\
[binaries]
c = ['{cc}', '-nostdlib']
ar = '{ar}'
nm = 'nm'
strip = 'strip'
[host_machine]
system = 'none'
cpu_family = 'x86_64'
cpu = 'x86_64'
endian = 'little'
[built-in options]
c_args = [{c_args}]
[properties]
skip_sanity_check = true
needs_exe_wrapper = true
"""


class BuildError(Exception):
    """One line for the user: what failed and what to do about it."""


def recipe_key(cc, flags):
    """Names the result: any change of recipe, compiler or flags gives another key."""
    version = subprocess.run([cc, "--version"], capture_output=True, text=True, check=True).stdout
    text = Path(__file__).read_bytes() + version.encode() + " ".join(flags).encode()
    return hashlib.sha256(text).hexdigest()[:12]


def sha256_of(path):
    """Digest of a file as hexadecimal."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def archive_bases():
    """Base addresses of the Debian archives that apt is set up for; may be none."""
    if not shutil.which("apt-get"):
        return []
    answer = subprocess.run(["apt-get", "indextargets", "--format", "$(REPO_URI)"],
                            capture_output=True, text=True, check=False)
    return list(dict.fromkeys(line.rstrip("/") for line in answer.stdout.split()))


def download(url, target, log):
    """Fetches `url` to `target`; says in the log why not and returns False if it cannot."""
    log.write(f"fetching {url}\n")
    log.flush()
    try:
        with urllib.request.urlopen(url, timeout=FETCH_SECONDS) as answer:
            target.write_bytes(answer.read())
        return True
    except (OSError, urllib.error.URLError, ValueError) as error:
        log.write(f"  {error}\n")
        return False


def download_by_apt(url, target, log):
    """The same through apt, which knows the archive's proxies and credentials."""
    if not os.access(APT_HELPER, os.X_OK):
        return download(url, target, log)
    log.write(f"fetching {url} through apt\n")
    log.flush()
    command = [APT_HELPER, "-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=20",
               "-o", "APT::Sandbox::User=root", "download-file", url, str(target)]
    return subprocess.run(command, stdout=log, stderr=log, check=False).returncode == 0


def checked(path, log):
    """True if `path` is the tarball we mean, whole and unchanged."""
    if not path.is_file():
        return False
    digest = sha256_of(path)
    if digest == SHA256:
        return True
    log.write(f"  {path}: SHA-256 is {digest}, not {SHA256}\n")
    return False


def fetch(cache, log, log_path):
    """Path of the tarball: the one the user names, else kept, else fetched."""
    named = os.environ.get("EXOCORE_PICOLIBC_TARBALL")
    if named:
        path = Path(named)
        if checked(path, log):
            return path
        what = "is not picolibc " + VERSION if path.is_file() else "does not exist"
        raise BuildError(f"EXOCORE_PICOLIBC_TARBALL={named} {what}: name a tarball with SHA-256 "
                         f"{SHA256[:12]}…, or unset it to download one (log: {log_path})")
    kept = cache / TARBALL
    if checked(kept, log):
        return kept
    arriving = cache / (TARBALL + ".part")
    sources = [(download_by_apt, f"{base}/{POOL_PATH}") for base in archive_bases()]
    for get, url in sources + [(download, UPSTREAM)]:
        if get(url, arriving, log) and checked(arriving, log):
            arriving.replace(kept)
            return kept
    arriving.unlink(missing_ok=True)
    raise BuildError(f"cannot download picolibc {VERSION}: check the network, or set "
                     f"EXOCORE_PICOLIBC_TARBALL to a copy of {TARBALL} (log: {log_path})")


def run_logged(command, log, log_path):
    """Runs one step of the build; its output goes to the log."""
    log.write("+ " + " ".join(map(str, command)) + "\n")
    log.flush()
    try:
        failed = subprocess.run(command, stdout=log, stderr=log, check=False).returncode
    except FileNotFoundError:
        raise BuildError(f"{command[0]} is missing: install the package {command[0]} "
                         f"(ninja comes with ninja-build)") from None
    if failed:
        raise BuildError(f"building picolibc failed at `{command[0]} {command[1]}`: "
                         f"the reason is at the end of {log_path}")


def remove_members(library, prefix, ar):
    """Takes members out of a library; it is an error if there are none.

    The heap is ours (sdk/libc), and so is the stack protector (core/canary). If picolibc's
    stayed, which of the two an image gets would hang on the order in which the linker happens
    to need them.
    """
    listing = subprocess.run([ar, "t", library], capture_output=True, text=True, check=True)
    members = [name for name in listing.stdout.split() if re.match(prefix, name)]
    if not members:
        raise BuildError(f"{library} has no member {prefix}*: the recipe does not fit it")
    subprocess.run([ar, "d", library, *members], check=True)


def build(tarball, work, args, flags, log, log_path):
    """Unpacks, configures, compiles and installs into work/install."""
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    with tarfile.open(tarball) as tar:
        tar.extractall(work)
    cross = work / "cross.txt"
    c_args = ", ".join(f"'{flag}'" for flag in flags)
    cross.write_text(CROSS_FILE.format(cc=args.cc, ar=args.ar, c_args=c_args))
    options = [f"-D{name}={value}" for name, value in OPTIONS.items()]
    run_logged(["meson", "setup", work / "build", work / f"picolibc-{VERSION}",
                "--cross-file", cross, *options], log, log_path)
    run_logged(["ninja", "-C", work / "build"], log, log_path)
    run_logged(["meson", "install", "--no-rebuild", "-C", work / "build",
                "--destdir", work / "install"], log, log_path)
    remove_members(work / "install/lib/libc.a",
                   r"nano-|libc_picolib_picosbrk|libc_ssp_stack_protector", args.ar)


def provide(args, flags):
    """Returns the directory with include/ and lib/libc.a, built if it is not there."""
    cache = Path(args.cache).resolve()
    cache.mkdir(parents=True, exist_ok=True)
    result = cache / f"picolibc-{VERSION}-{recipe_key(args.cc, flags)}"
    log_path = cache / f"{result.name}.log"
    if result.is_dir():
        return result
    with open(cache / f"{result.name}.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if result.is_dir(): # another build tree was faster
            return result
        print(f"building picolibc {VERSION}, once for all trees (log: {log_path})",
              file=sys.stderr, flush=True)
        work = cache / f"{result.name}.work"
        with open(log_path, "w", encoding="utf-8") as log:
            build(fetch(cache, log, log_path), work, args, flags, log, log_path)
        (work / "install").rename(result)
        shutil.rmtree(work)
    return result


def main():
    """Command line of the CMake module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", required=True, help="where results are kept")
    parser.add_argument("--cc", default="gcc")
    parser.add_argument("--ar", default="ar")
    parser.add_argument("flags", nargs="*", help="compiler flags, after --")
    args = parser.parse_args()
    try:
        print(provide(args, ["-O2", "-g", *args.flags]))
    except BuildError as error:
        print(f"exocore: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"exocore: picolibc: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
