/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A key over all that something in the cache was made from (SHA-256). */
#ifndef NETLAB_IMAGE_KEY_H
#define NETLAB_IMAGE_KEY_H

#include <nettle/sha2.h>
#include <stddef.h>
#include <stdint.h>

#define KEY_SIZE  (2 * SHA256_DIGEST_SIZE + 1) /* hexadecimal, with its NUL */
#define KEY_SHORT 8                            /* digits that stand in names of files */

struct key {
	struct sha256_ctx hash;
};

void key_init(struct key *key);

/**
 * key_add() - one more thing that counts
 *
 * Its size counts as well, so that "ab", "c" and "a", "bc" make different keys.
 */
void key_add(struct key *key, const void *data, size_t size);

/** key_add_text() - as key_add(), on a string; NULL counts as "". */
void key_add_text(struct key *key, const char *text);
void key_add_number(struct key *key, uint64_t number);

/** key_finish() - the key in hexadecimal into @text; returns @text. */
char *key_finish(struct key *key, char text[KEY_SIZE]);

#endif
