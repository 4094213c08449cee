// SPDX-License-Identifier: MIT
// chacha20.h - the ChaCha20 block function (RFC 8439 §2.3), as a source of bytes.
#ifndef HAL_CHACHA20_H
#define HAL_CHACHA20_H

#include <stdint.h>

#define CHACHA20_KEY_BYTES   32u
#define CHACHA20_NONCE_BYTES 12u
#define CHACHA20_BLOCK_BYTES 64u

// Writes the key stream's block number `counter` to `out`.
void chacha20_block(const uint8_t key[CHACHA20_KEY_BYTES], uint32_t counter,
                    const uint8_t nonce[CHACHA20_NONCE_BYTES], uint8_t out[CHACHA20_BLOCK_BYTES]);

#endif
