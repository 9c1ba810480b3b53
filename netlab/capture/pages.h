/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Blocks laid out so that a process that is killed while it writes leaves whole ones.
 *
 * The kernel looks for SIGKILL before each page that a write(2) fills, and stops there
 * (generic_perform_write(), Linux 6.1). A write that stays within a page of the file is
 * done whole or not at all; so no block may cross from one page into the next, and
 * fillers see to that. Only a block that is larger than a page has to cross. Pure.
 */
#ifndef NETLAB_CAPTURE_PAGES_H
#define NETLAB_CAPTURE_PAGES_H

#include <stddef.h>
#include <stdint.h>

#include "util/buffer.h"

#define PAGE_BYTES 4096u /* the least there is: larger pages have fewer boundaries */

/**
 * pages_lay_out() - append @blocks to @out, with fillers between them
 * @position: in the file, where @out will be written
 */
void pages_lay_out(struct buffer *out, uint64_t position, const struct buffer *blocks);

/**
 * pages_next_write() - how many of the @size bytes at @data, laid out for @position, one
 * write takes: the blocks in the rest of the page, else one block
 */
size_t pages_next_write(const uint8_t *data, size_t size, uint64_t position);

#endif
