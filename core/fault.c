// SPDX-License-Identifier: MIT
// fault.c - the report of a CPU exception, in words (Intel SDM vol. 3, "Exception and
// Interrupt Reference").
#include "core/panic.h"
#include "core/place.h"
#include "core/report.h"
#include "core/trace.h"
#include "exo/bits.h"
#include "hal/cpu.h"
#include "hal/machine_check.h"
#include "hal/vectors.h"

enum { // exceptions of which more can be said than a number
    INVALID_TSS = 10,
    SEGMENT_NOT_PRESENT = 11,
    STACK_FAULT = 12,
    GENERAL_PROTECTION = 13,
    PAGE_FAULT = 14,
    MACHINE_CHECK = 18,
};

enum { // a page fault's error code
    PF_PRESENT = 1,
    PF_WRITE = 2,
    PF_RESERVED = 8,
    PF_FETCH = 16,
};

static const char *const names[HAL_FAULT_COUNT] = {
    "#DE divide error",
    "#DB debug",
    "NMI non-maskable interrupt",
    "#BP breakpoint",
    "#OF overflow",
    "#BR bound range exceeded",
    "#UD invalid opcode",
    "#NM no floating-point unit",
    "#DF double fault",
    "coprocessor segment overrun",
    "#TS invalid task state segment",
    "#NP segment not present",
    "#SS stack segment fault",
    "#GP general protection",
    "#PF page fault",
    "reserved exception 15",
    "#MF floating-point error",
    "#AC alignment check",
    "#MC machine check",
    "#XM SIMD floating-point error",
    "#VE virtualization exception",
    "#CP control protection",
    "reserved exception 22",
    "reserved exception 23",
    "reserved exception 24",
    "reserved exception 25",
    "reserved exception 26",
    "reserved exception 27",
    "#HV hypervisor injection",
    "#VC VMM communication",
    "#SX security exception",
    "reserved exception 31",
};

typedef unsigned long long word; // what printf's %llx takes

static void explain_page_fault(uint64_t error, uint64_t address)
{
    const char *access = error & PF_FETCH   ? "execution of"
                         : error & PF_WRITE ? "write to"
                                            : "read from";
    if (!(error & PF_PRESENT))
        report_print("%s 0x%016llx: page not present", access, (word)address);
    else if (error & PF_RESERVED)
        report_print("%s 0x%016llx: reserved bit set in a page table", access, (word)address);
    else if (error & PF_FETCH)
        report_print("execution of a no-execute page at 0x%016llx", (word)address);
    else if (error & PF_WRITE)
        report_print("write to read-only page at 0x%016llx", (word)address);
    else
        report_print("%s 0x%016llx: not allowed", access, (word)address);
    place_print(address);
}

// A selector error code: bit 0 the event came from outside, bits 1 and 2 which table,
// the rest the index into it.
static void explain_selector(uint64_t error)
{
    static const char *const tables[] = {"GDT", "IDT", "LDT", "IDT"};
    if (error == 0)
        report_print("no selector involved");
    else
        report_print("%s entry %llu%s", tables[error >> 1 & 3], (word)(error >> 3 & 0x1fff),
                     error & 1 ? ", by an interrupt" : "");
}

static void explain_machine_check(void)
{
    struct hal_machine_check error;
    const char *between = "";
    for (uint32_t bank = 0; hal_machine_check_find(bank, &error); bank = error.bank + 1) {
        report_print("%sbank %u has %016llx", between, (unsigned)error.bank, (word)error.status);
        if (error.address)
            report_print(" for address 0x%llx", (word)error.address);
        between = ", ";
    }
    if (!*between)
        report_print("no bank tells why");
}

struct exception {
    struct report report;
    const struct hal_fault_frame *frame;
    uint64_t cr2;
};

static void explain(const struct hal_fault_frame *frame, uint64_t cr2)
{
    report_print("\nfault: %s (vector %llu): ", names[frame->vector % HAL_FAULT_COUNT],
                 (word)frame->vector);
    switch (frame->vector) {
    case PAGE_FAULT:
        explain_page_fault(frame->error, cr2);
        break;
    case INVALID_TSS:
    case SEGMENT_NOT_PRESENT:
    case STACK_FAULT:
    case GENERAL_PROTECTION:
        explain_selector(frame->error);
        break;
    case MACHINE_CHECK:
        explain_machine_check();
        break;
    default:
        report_print("error code %llu", (word)frame->error);
    }
    report_print("\n");
}

static void print_registers(const struct hal_fault_frame *f, uint64_t cr2)
{
    report_print("rax %016llx  rbx %016llx  rcx %016llx\n", (word)f->rax, (word)f->rbx,
                 (word)f->rcx);
    report_print("rdx %016llx  rsi %016llx  rdi %016llx\n", (word)f->rdx, (word)f->rsi,
                 (word)f->rdi);
    report_print("rbp %016llx  rsp %016llx  r8  %016llx\n", (word)f->rbp, (word)f->rsp,
                 (word)f->r8);
    report_print("r9  %016llx  r10 %016llx  r11 %016llx\n", (word)f->r9, (word)f->r10,
                 (word)f->r11);
    report_print("r12 %016llx  r13 %016llx  r14 %016llx\n", (word)f->r12, (word)f->r13,
                 (word)f->r14);
    report_print("r15 %016llx  cr0 %016llx  cr2 %016llx\n", (word)f->r15, (word)hal_cr0_read(),
                 (word)cr2);
    report_print("cr3 %016llx  cr4 %016llx  rflags %08llx\n", (word)hal_cr3_read(),
                 (word)hal_cr4_read(), (word)f->rflags);
    report_print("cs %04llx  ss %04llx  error code %llx\n", (word)f->cs, (word)f->ss,
                 (word)f->error);
}

// What matters most comes first: a small screen ends early.
static void tell_exception(const struct report *r)
{
    const struct exception *e = EXO_CONTAINER(r, const struct exception, report);
    const struct hal_fault_frame *frame = e->frame;
    explain(frame, e->cr2);
    report_print("rip %016llx", (word)frame->rip);
    trace_name(frame->rip);
    report_print("\n");
    report_context();
    report_print("backtrace:\n");
    trace_print_from(frame->rip, frame->rsp, frame->rbp);
    print_registers(frame, e->cr2);
    report_last_lines();
}

void hal_fault(const struct hal_fault_frame *frame)
{
    uint64_t cr2 = hal_cr2_read(); // first: a fault in the report would overwrite it
    report(&(struct exception){
        .report = {CORE_FAULT_STATUS, frame->rip, tell_exception},
        .frame = frame,
        .cr2 = cr2,
    }
                .report);
}
