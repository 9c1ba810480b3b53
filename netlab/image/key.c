// SPDX-License-Identifier: GPL-2.0-or-later
#include "image/key.h"

#include <nettle/base16.h>
#include <string.h>

void key_init(struct key *key)
{
	sha256_init(&key->hash);
}

void key_add_number(struct key *key, uint64_t number)
{
	uint8_t bytes[8];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = number >> (8 * i);
	sha256_update(&key->hash, sizeof(bytes), bytes);
}

void key_add(struct key *key, const void *data, size_t size)
{
	key_add_number(key, size);
	sha256_update(&key->hash, size, data);
}

void key_add_text(struct key *key, const char *text)
{
	key_add(key, text ?: "", text ? strlen(text) : 0);
}

char *key_finish(struct key *key, char text[KEY_SIZE])
{
	uint8_t digest[SHA256_DIGEST_SIZE];

	sha256_digest(&key->hash, sizeof(digest), digest);
	base16_encode_update(text, sizeof(digest), digest);
	text[KEY_SIZE - 1] = '\0';
	return text;
}
