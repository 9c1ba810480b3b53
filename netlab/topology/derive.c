// SPDX-License-Identifier: GPL-2.0-or-later
/* What netlab gives cards and hosts' links that the file does not: MAC addresses and names. */
#include "topology/reader.h"
#include "util/string.h"

#define FNV_BASIS 0xcbf29ce484222325ull
#define FNV_PRIME 0x100000001b3ull

/* FNV-1a over a string and the NUL at its end. */
static uint64_t hash_text(uint64_t hash, const char *text)
{
	do
		hash = (hash ^ (uint8_t)*text) * FNV_PRIME;
	while (*text++);
	return hash;
}

static uint64_t hash_number(uint64_t hash, size_t number)
{
	char text[32];

	snprintf(text, sizeof(text), "%zu", number);
	return hash_text(hash, text);
}

/* Up from @hash, the first address behind that prefix that no one has. */
static void take_free_mac(struct reader *reader, const uint8_t prefix[3], uint64_t hash,
			  struct location at, uint8_t mac[6])
{
	char text[MAC_TEXT_SIZE];

	hash ^= hash >> 24 ^ hash >> 48;
	do {
		memcpy(mac, prefix, 3);
		memcpy(mac + 3, (uint8_t[]){hash >> 16, hash >> 8, hash}, 3);
		hash++;
	} while (names_add(&reader->macs, mac_format(mac, text), at, NULL));
}

/* 52:54:00 is the prefix that QEMU uses: locally administered, and known to people. */
static void derive_card_mac(struct reader *reader, const struct guest *guest,
			    size_t index)
{
	struct nic *nic = &guest->nics[index];
	uint64_t hash =
		hash_text(hash_text(FNV_BASIS, reader->topology->name), guest->name);

	take_free_mac(reader, (uint8_t[]){0x52, 0x54, 0}, hash_number(hash, index),
		      nic->at, nic->mac);
}

/* Locally administered, and no guest's. */
static void derive_link_mac(struct reader *reader, const struct host *host,
			    struct host_link *link)
{
	uint64_t hash =
		hash_text(hash_text(FNV_BASIS, reader->topology->name), host->name);

	take_free_mac(reader, (uint8_t[]){0x02, 0x54, 0}, hash_text(hash, link->name),
		      link->at, link->settings.mac);
}

/* Eight characters of the guest's name, four of a hash, the card's number: 15 bytes. */
static void shorten(const char *guest, size_t index, unsigned attempt, char tap[IFNAMSIZ])
{
	uint64_t hash =
		hash_number(hash_number(hash_text(FNV_BASIS, guest), index), attempt);

	snprintf(tap, IFNAMSIZ, "%.8s-%04x.%u", guest,
		 (unsigned)(hash ^ hash >> 16 ^ hash >> 32) & 0xffff,
		 (unsigned)index % 10);
}

static bool take_name(struct reader *reader, struct nic *nic, const char *name)
{
	return !names_add(&reader->links, name, nic->at, nic->tap);
}

static void derive_tap(struct reader *reader, const struct guest *guest, size_t index)
{
	struct nic *nic = &guest->nics[index];
	_cleanup_free_ char *natural = xasprintf("%s.%zu", guest->name, index);
	bool is_free = take_name(reader, nic, natural);

	if (is_free && strlen(natural) < IFNAMSIZ) {
		strcpy(nic->tap, natural);
		return;
	}
	for (unsigned attempt = 0;; attempt++) {
		shorten(guest->name, index, attempt, nic->tap);
		if (take_name(reader, nic, nic->tap))
			return;
	}
}

void derive_taps(struct reader *reader)
{
	const struct topology *topology = reader->topology;

	for (size_t i = 0; i < topology->n_guests; i++)
		for (size_t j = 0; j < topology->guests[i].n_nics; j++)
			derive_tap(reader, &topology->guests[i], j);
}

/* Ten characters of the host's name, four of a hash: 15 bytes. */
static void shorten_outer(const struct host *host, const struct host_link *link,
			  unsigned attempt, char outer[IFNAMSIZ])
{
	uint64_t hash = hash_number(
		hash_text(hash_text(FNV_BASIS, host->name), link->name), attempt);

	snprintf(outer, IFNAMSIZ, "%.10s-%04x", host->name,
		 (unsigned)(hash ^ hash >> 16 ^ hash >> 32) & 0xffff);
}

static void derive_outer(struct reader *reader, const struct host *host,
			 struct host_link *link)
{
	_cleanup_free_ char *natural = xasprintf("%s.%s", host->name, link->name);
	bool is_free = !names_add(&reader->links, natural, link->at, link->outer);

	if (is_free && strlen(natural) < IFNAMSIZ) {
		strcpy(link->outer, natural);
		return;
	}
	for (unsigned attempt = 0;; attempt++) {
		shorten_outer(host, link, attempt, link->outer);
		if (!names_add(&reader->links, link->outer, link->at, link->outer))
			return;
	}
}

void derive_outers(struct reader *reader)
{
	const struct topology *topology = reader->topology;

	for (size_t i = 0; i < topology->n_hosts; i++)
		for (size_t j = 0; j < topology->hosts[i].n_links; j++)
			if (topology->hosts[i].links[j].bridge)
				derive_outer(reader, &topology->hosts[i],
					     &topology->hosts[i].links[j]);
}

void derive_macs(struct reader *reader)
{
	const struct topology *topology = reader->topology;

	for (size_t i = 0; i < topology->n_guests; i++)
		for (size_t j = 0; j < topology->guests[i].n_nics; j++)
			if (!topology->guests[i].nics[j].mac_given)
				derive_card_mac(reader, &topology->guests[i], j);
	for (size_t i = 0; i < topology->n_hosts; i++)
		for (size_t j = 0; j < topology->hosts[i].n_links; j++)
			if (!topology->hosts[i].links[j].settings.mac_given)
				derive_link_mac(reader, &topology->hosts[i],
						&topology->hosts[i].links[j]);
}
