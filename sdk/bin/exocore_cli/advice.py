# SPDX-License-Identifier: MIT
"""What to do about a failed build. A link that fails most often lacks a word in USES."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
LAYERS = ("mm", "sched", "netstack", "dev")  # what an app can name in USES
UNDEFINED = re.compile(r"undefined reference to [`'‘](\w+)['’]")
USUAL = "mend that and run again"


def declares(layer, name):
    """True if a header of the layer declares that function; a struct's member is none."""
    call = re.compile(rf"(?<![>.])\b{name}\(")
    return any(call.search(header.read_text(encoding="utf-8"))
               for header in sorted((ROOT / layer).rglob("*.h")))


def of(log):
    """What to do about the failure in this log, in one clause."""
    text = Path(log).read_text(encoding="utf-8", errors="replace")
    names = list(dict.fromkeys(UNDEFINED.findall(text)))
    layers = [layer for layer in LAYERS if any(declares(layer, name) for name in names)]
    if layers:
        return f"name {' '.join(layers)} in the app's USES (CMakeLists.txt)"
    if names:
        return f"nothing that the app links has {', '.join(names[:3])}: write it, or do without"
    return USUAL
