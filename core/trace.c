// SPDX-License-Identifier: MIT
// trace.c - walks frame pointers and names what it finds.
#include "core/trace.h"

#include <string.h>

#include "core/image.h"
#include "core/pt.h"
#include "core/report.h"
#include "core/state.h"
#include "core/symbols.h"
#include "exo/bits.h"

#define FRAMES_MAX 32

// What a function with a frame pointer leaves on its stack.
struct call_frame {
    uint64_t caller_rbp;
    uint64_t return_rip;
};

static bool is_code(uint64_t rip)
{
    return rip >= (uint64_t)core_image_start && rip < (uint64_t)core_text_end;
}

static bool find_code(uint64_t rip, struct symbols_place *out)
{
    return is_code(rip) && symbols_find(core_symbols, (size_t)(core_image_limit() - core_symbols),
                                        (uint32_t)(rip - (uint64_t)core_image_start), out);
}

static void print_place(const struct symbols_place *place, uint32_t inside)
{
    report_print(" %s+0x%x", place->name, (unsigned)inside);
    if (place->file[0])
        report_print(" (%s)", place->file);
}

void trace_name(uint64_t rip)
{
    struct symbols_place place;
    if (find_code(rip, &place))
        print_place(&place, place.inside);
}

const char *trace_function(uint64_t rip)
{
    struct symbols_place place;
    return find_code(rip, &place) ? place.name : "?";
}

// Before core knows its tables there is only the boot stack, which is mapped.
bool trace_is_readable(uint64_t at)
{
    struct core_pt_entry entry;
    return !core_state.pml4 || core_pt_query((struct va){at}, &entry) == 0;
}

// A stack grows downwards, so callers' frames lie above: a chain that does not rise is
// broken, and might be endless.
static bool read_frame(uint64_t rbp, uint64_t above, struct call_frame *out)
{
    if (rbp <= above || !exo_is_aligned(rbp, 8) || rbp > UINT64_MAX - sizeof(*out))
        return false;
    if (!trace_is_readable(rbp) || !trace_is_readable(rbp + sizeof(*out) - 1))
        return false;
    *out = *(const struct call_frame *)rbp;
    return is_code(out->return_rip);
}

// The address behind a call may already belong to the next function, if the call was the
// last thing its function does; the byte before it is inside the call.
static void print_caller(uint64_t return_rip)
{
    struct symbols_place place = {"?", "", 0};
    bool found = find_code(return_rip - 1, &place);
    report_print("  %016llx", (unsigned long long)return_rip);
    print_place(&place, found ? place.inside + 1 : 0);
    report_print("\n");
}

void trace_print(uint64_t rbp)
{
    struct call_frame frame;
    uint64_t above = 0;
    for (int i = 0; read_frame(rbp, above, &frame); i++) {
        if (i == FRAMES_MAX) {
            report_print("  and more callers\n");
            return;
        }
        print_caller(frame.return_rip);
        above = rbp;
        rbp = frame.caller_rbp;
    }
}

// gcc gives no frame to a function that calls nothing and keeps nothing on its stack.
// Where none has been set up ("mov rbp, rsp" not passed yet), rbp is the caller's.
static bool has_frame(uint64_t rip)
{
    static const uint8_t mov_rbp_rsp[] = {0x48, 0x89, 0xe5};
    struct symbols_place place;
    if (!find_code(rip, &place))
        return false;
    for (const uint8_t *at = (const uint8_t *)rip - place.inside; at + 3 <= (const uint8_t *)rip;
         at++) {
        if (memcmp(at, mov_rbp_rsp, sizeof(mov_rbp_rsp)) == 0)
            return true;
    }
    return false;
}

void trace_print_from(uint64_t rip, uint64_t rsp, uint64_t rbp)
{
    report_print("  %016llx", (unsigned long long)rip);
    trace_name(rip);
    report_print("\n");
    bool has_top = exo_is_aligned(rsp, 8) && trace_is_readable(rsp);
    if (!has_frame(rip) && has_top && is_code(*(const uint64_t *)rsp))
        print_caller(*(const uint64_t *)rsp);
    trace_print(rbp);
}
