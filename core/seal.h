// SPDX-License-Identifier: MIT
// seal.h - the end of core's start: what was only to be written until now becomes read-only.
#ifndef CORE_SEAL_H
#define CORE_SEAL_H

// Makes everything EXO_SEALED and the sealed part of core's state read-only, for good. To be
// called on the first CPU, while no other runs (asserted); a second call changes nothing.
void core_seal(void);

// Opens the sealed part of core's state, for what core learns later (frame_know.c), and seals it.
// The same conditions. Core's own business.
void seal_open_facts(void);
void seal_facts(void);

#endif
