// SPDX-License-Identifier: MIT
// acpi.h - what the firmware's tables say of the board, read when somebody first asks.
//
// Tables stay where the firmware left them, mapped read-only. One that lies about itself is
// not there, and the log has a line about it.
#ifndef CORE_ACPI_H
#define CORE_ACPI_H

#include "exo/span.h"
#include "hal/acpi_device.h"
#include "hal/acpi_fadt.h"
#include "hal/apics.h"
#include "hal/firmware.h"

// The `n`-th table (from 0) with a signature of four letters, as "SRAT", header included:
// length and checksum are right, nothing else has been looked at.
//
// Errors: -EXO_ENOENT  there is none, or no ACPI.
// Spec:   ACPI 6.5 §5.2.
int core_acpi_find(const char *signature, uint32_t n, struct cspan *out);

// The `n`-th device (from 0) with a hardware identifier of letters and digits, as "LNRO0005", in
// the order of the machine code, which is searched and not run (hal/acpi_device.h).
//
// Errors: -EXO_ENOENT  there are fewer that say in so many words where they are.
int core_acpi_device(const char *hid, uint32_t n, struct hal_acpi_device *out);

// The CPUs and I/O APICs of the machine: by ACPI's MADT; without one by Intel's MP table;
// without that the CPU that runs, and an I/O APIC where every PC has its first. There is at
// least one CPU. Core's own business.
const struct hal_apics *acpi_apics(void);

// Which of these it was: "ACPI", "the MP table" or "nobody".
const char *acpi_apics_source(void);

// ACPI's fixed hardware; false if there is none. Core's own business, as what follows.
bool acpi_fadt(struct hal_acpi_fadt *out);

// The `n`-th table of machine code: the DSDT, then the SSDTs. False if there are fewer.
bool acpi_code(uint32_t n, struct cspan *out);

// Is a CPU reading the list of tables just now? At the end of a machine that may be one which
// died at it.
bool acpi_is_under_way(void);

// Memory as the parsers of hal/ want it: mapped read-only; lies go to the log.
extern const struct hal_firmware acpi_firmware;

#endif
