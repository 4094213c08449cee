#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""hello, its symbols apart, is at most 48 KiB: test_size.py BUILD"""

import json
import sys
from pathlib import Path

LIMIT = 48 * 1024

sizes = json.loads((Path(sys.argv[1]) / "hello.json").read_text(encoding="utf-8"))["bytes"]
total = sum(sizes[kind] for kind in ("text", "rodata", "data"))
print(f"hello: {total} bytes in the file without its symbols, at most {LIMIT}")
sys.exit(total > LIMIT)
