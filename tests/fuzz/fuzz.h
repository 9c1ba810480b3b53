/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a fuzzer is: libFuzzer's entry point, called by replay.c too. */
#ifndef NETLAB_TESTS_FUZZ_H
#define NETLAB_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
