#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each tidy check must catch its sin, and leave the righteous alone.

Every test writes a small tree, runs one check over it, and looks at what it says.
"""
import shutil
import tempfile
import unittest
from pathlib import Path

import headers
import layers
import primitives
import purity
import spelling
import stubs
from tree import Tree, parse_layers, strip_comments

TABLE = """\
hal|hal||FALSE
core|core|hal|FALSE
netstack|netstack||TRUE
sched|sched||TRUE
tls|tls|netstack|TRUE
dev_ring|dev/ring||TRUE
dev|dev|hal,core,dev_ring|FALSE
sdk|sdk|hal,core,netstack,sched,dev,dev_ring|FALSE
"""


class TidyCase(unittest.TestCase):
    def setUp(self):
        self.root = Path(tempfile.mkdtemp(prefix="tidy."))
        self.addCleanup(shutil.rmtree, self.root)
        self.write("sdk/include/exo/types.h", "#include <stdint.h>\n")

    def write(self, path, text):
        path = self.root / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def tree(self):
        return Tree(self.root, parse_layers(TABLE))

    def assertClean(self, check):
        self.assertEqual(check(self.tree()), [])

    def assertCaught(self, check, *fragments):
        problems = check(self.tree())
        self.assertEqual(len(problems), 1, problems)
        for fragment in fragments:
            self.assertIn(fragment, problems[0])


class LayersTest(TidyCase):
    def test_arrows_of_the_table_are_free(self):
        self.write("hal/cpu.h", "")
        self.write("core/log.h", '#include "exo/types.h"\n#include "hal/cpu.h"\n')
        self.write("core/log.c", '#include "core/log.h"\n#include <stdio.h>\n')
        self.assertClean(layers.check)

    def test_arrow_that_the_table_lacks_is_caught(self):
        self.write("sched/task.h", "")
        self.write("netstack/net.c", '// one\n#include "sched/task.h"\n')
        self.assertCaught(layers.check, "netstack/net.c:2", "netstack does not see sched")

    def test_upward_arrow_is_caught(self):
        self.write("core/log.h", "")
        self.write("hal/uart.c", '#include "core/log.h"\n')
        self.assertCaught(layers.check, "hal/uart.c:1", "hal does not see core")

    def test_vocabulary_sees_only_itself(self):
        self.write("hal/cpu.h", "")
        self.write("sdk/include/exo/bits.h", '#include "hal/cpu.h"\n')
        self.assertCaught(layers.check, "exo does not see hal")

    def test_nested_layer_is_not_its_parent(self):
        self.write("dev/nic.h", "")
        self.write("dev/ring/virtio_ring.c", '#include "dev/nic.h"\n')
        self.assertCaught(layers.check, "dev_ring does not see dev")

    def test_include_without_a_room_is_caught(self):
        self.write("core/log.h", "")
        self.write("core/log.c", '#include "log.h"\n')
        self.assertCaught(layers.check, "core/log.c:1", "names no file")

    def test_pure_layer_may_not_have_stdio(self):
        self.write("netstack/net.c", "#include <string.h>\n#include <stdio.h>\n")
        self.assertCaught(layers.check, "netstack/net.c:2", "<stdio.h>")

    def test_angle_brackets_do_not_hide_an_arrow(self):
        self.write("dev/nic.h", "")
        self.write("netstack/net.c", "#include <dev/nic.h>\n")
        self.assertNotEqual(layers.check(self.tree()), [])

    def test_include_in_a_comment_is_none(self):
        self.write("sched/task.h", "")
        self.write("netstack/net.c", '/*\n#include "sched/task.h"\n*/\n')
        self.assertClean(layers.check)

    def test_example_sees_what_it_uses_and_no_more(self):
        self.write("netstack/net.h", "")
        self.write("core/log.h", "")
        self.write("examples/web/CMakeLists.txt", "exo_app(web SOURCES web.c USES netstack)\n")
        self.write("examples/web/page.h", "")
        self.write("examples/web/web.c", '#include "netstack/net.h"\n#include "page.h"\n'
                   '#include "core/log.h"\n')
        self.assertCaught(layers.check, "examples/web/web.c:3", "examples does not see core")
        self.write("examples/web/CMakeLists.txt",
                   "exo_app(web SOURCES web.c USES netstack dev PORTS 80:80)\n")
        self.assertClean(layers.check)  # dev sees core

    def test_tests_are_free(self):
        self.write("core/log.h", "")
        self.write("test/unit/x.c", '#include "core/log.h"\n#include <unistd.h>\n')
        self.assertClean(layers.check)


class PurityTest(TidyCase):
    def test_arithmetic_over_handed_in_memory_is_pure(self):
        self.write("netstack/a.c", "#include <string.h>\nstruct s { int n; };\n"
                   "static const int table[] = {1, 2};\nint b(int);\n"
                   "int a(struct s *s) { memset(s, 0, sizeof *s); return b(table[s->n]); }\n")
        self.write("netstack/b.c", "int b(int); int b(int x) { return x; }\n")
        self.assertClean(purity.check)

    def test_file_scope_state_is_caught(self):
        self.write("netstack/a.c", "static int count;\nint a(void); "
                   "int a(void) { return ++count; }\n")
        self.assertCaught(purity.check, "netstack/a.c", "count", "writable")

    def test_state_inside_a_function_is_caught(self):
        self.write("netstack/a.c", "int a(void); "
                   "int a(void) { static int calls = 7; return calls++; }\n")
        self.assertCaught(purity.check, "calls", "writable")

    def test_allocation_is_caught(self):
        self.write("sched/a.c", "#include <stdlib.h>\nvoid *a(void); "
                   "void *a(void) { return malloc(9); }\n")
        self.assertCaught(purity.check, "sched/a.c", "malloc")

    def test_clock_is_caught(self):
        self.write("netstack/a.c", "unsigned long core_clock_now(void); unsigned long a(void);\n"
                   "unsigned long a(void) { return core_clock_now(); }\n")
        self.assertCaught(purity.check, "core_clock_now")

    def test_call_into_an_unseen_pure_layer_is_caught(self):
        self.write("netstack/a.c", "int a(void); int a(void) { return 1; }\n")
        self.write("tls/t.c", "int a(void); int t(void); int t(void) { return a(); }\n")
        self.assertClean(purity.check)
        self.write("sched/s.c", "int a(void); int s(void); int s(void) { return a(); }\n")
        self.assertCaught(purity.check, "sched/s.c", "calls a")

    def test_assembly_counts_too(self):
        self.write("sched/s.asm", "section .bss\nglobal last\nlast: resq 1\n")
        self.assertCaught(purity.check, "sched/s.asm", "last")


class PrimitivesTest(TidyCase):
    def setUp(self):
        super().setUp()
        self.write("core/frame.h", "int core_frame_claim(int n);\nvoid core_frame_release(int n);\n"
                   "static inline int core_frame_round(int n) { return n; }\n")
        self.write("core/frame.c", '#include "core/frame.h"\n'
                   "static int helper(int n) { return n; }\n"
                   "int core_frame_claim(int n) { return helper(n); }\n"
                   "void core_frame_release(int n) { (void)n; }\n")

    def test_table_that_agrees_is_clean(self):
        self.write("core/primitives.def", "// the surface\nCORE_CALL(core_frame_claim)\n"
                   "CORE_CALL(core_frame_release)\n")
        self.assertClean(primitives.check)

    def test_unlisted_call_is_caught(self):
        self.write("core/primitives.def", "core_frame_claim\n")
        self.assertCaught(primitives.check, "core_frame_release", "no line here")

    def test_line_for_nothing_is_caught(self):
        self.write("core/primitives.def", "core_frame_claim\ncore_frame_release\ncore_gone\n")
        self.assertCaught(primitives.check, "primitives.def:3", "core_gone")

    def test_missing_table_is_caught(self):
        self.assertCaught(primitives.check, "missing")


class HeadersTest(TidyCase):
    def test_header_that_needs_nothing_is_clean(self):
        self.write("hal/cpu.h", '#ifndef C\n#define C\n#include "exo/types.h"\n'
                   "struct cpu { uint32_t id; };\n#endif\n")
        self.assertClean(headers.check)

    def test_header_that_leans_on_its_includer_is_caught(self):
        self.write("hal/cpu.h", "#ifndef C\n#define C\nstruct cpu { uint32_t id; };\n#endif\n")
        self.assertCaught(headers.check, "hal/cpu.h", "uint32_t")

    def test_missing_guard_is_caught(self):
        self.write("hal/cpu.h", "struct cpu { int id; };\n")
        self.assertCaught(headers.check, "hal/cpu.h", "redefinition")


class SpellingTest(TidyCase):
    HEAD = "// SPDX-License-Identifier: MIT\n"

    def setUp(self):
        super().setUp()
        self.write("sdk/include/exo/types.h", self.HEAD)

    def test_plain_source_is_clean(self):
        self.write("hal/cpu.c", self.HEAD + "// cpu.c - x.\nint x; // 2 × 3 ─ é\n")
        self.write("run.py", "#!/usr/bin/env python3\n# SPDX-License-Identifier: MIT\n")
        self.assertClean(spelling.check)

    def test_missing_licence_is_caught(self):
        self.write("hal/cpu.c", "int x;\n")
        self.assertCaught(spelling.check, "hal/cpu.c:1", "SPDX")

    def test_long_line_is_caught_in_code_not_in_prose(self):
        self.write("docs/a.md", "x" * 300 + "\n")
        self.write("hal/cpu.c", self.HEAD + "//" + "x" * 99 + "\n")
        self.assertCaught(spelling.check, "hal/cpu.c:2", "101 columns")

    def test_tab_and_trailing_space_are_caught(self):
        self.write("hal/cpu.c", self.HEAD + "\tint x;\n")
        self.assertCaught(spelling.check, "hal/cpu.c:2", "tab")
        self.write("hal/cpu.c", self.HEAD + "int x; \n")
        self.assertCaught(spelling.check, "hal/cpu.c:2", "white space")

    def test_link_to_nowhere_is_caught(self):
        self.write("docs/b.md", "text\n")
        self.write("docs/a.md", "[b](b.md) [up](../docs/b.md#part) [web](https://x.org/y)\n")
        self.assertClean(spelling.check)
        self.write("docs/a.md", "see\n[b](gone.md)\n")
        self.assertCaught(spelling.check, "docs/a.md:2", "gone.md")

    def test_missing_last_newline_is_caught(self):
        self.write("hal/cpu.c", self.HEAD + "int x;")
        self.assertCaught(spelling.check, "no newline")

    def test_leftovers_are_caught(self):
        for leftover in ("TO" "DO: later", "FIX" "ME", "X" "XX", "see /ho" "me/anna/x",
                         "in this sess" "ion"):
            with self.subTest(leftover):
                self.write("hal/cpu.c", f"{self.HEAD}// {leftover}\n")
                self.assertCaught(spelling.check, "hal/cpu.c:2")


class StubsTest(TidyCase):
    def test_general_registers_are_free(self):
        self.write("hal/vectors.asm", "bits 64\nstub: push rax\n bts qword [gs:16], 3\n"
                   " invlpg [rax]\n wrmsr\n pop rax\n iretq\n")
        self.assertClean(stubs.check)

    def test_other_state_is_caught(self):
        for sin in ("movups [rsp], xmm3", "vzeroupper\n vmovdqu ymm1, [rax]", "fninit",
                    "fxsave [rax]", "ldmxcsr [rax]", "xsave [rax]", "movq mm0, rax"):
            with self.subTest(sin):
                self.write("hal/vectors.asm", f"bits 64\nstub: {sin}\n iretq\n")
                self.assertCaught(stubs.check, "hal/vectors.asm", "must not touch")


class TreeTest(TidyCase):
    def test_comments_go_and_lines_stay(self):
        text = strip_comments('a // "x\n/* b\n */ c "//no"\n')
        self.assertEqual(text.count("\n"), 3)
        self.assertIn('"//no"', text)
        self.assertNotIn("b", text)


if __name__ == "__main__":
    unittest.main()
