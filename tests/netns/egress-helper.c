// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Has the kernel run the filter of link/egress.bpf.c on frames, for test_egress.py. No frame is
 * sent; the link that they are to leave by is "lo". Prints "READY", or "FAILED errno", then
 * obeys stdin, a line an answer:
 *   tap | card HEX    the link is a guest's TAP; a guest's card has that MAC address
 *   halt | go
 *   frame HEX         "pass" or "stolen"
 *   dropped           how many were stolen
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/pkt_cls.h>
#include <stdio.h>
#include <string.h>

#include "link/egress.skel.h"
#include "util/string.h"

#define FRAME_MAX 65536

static struct egress_bpf *bpf;

static size_t parse_hex(const char *text, uint8_t *bytes)
{
	size_t n = 0;
	unsigned byte;

	for (; n < FRAME_MAX && sscanf(text, "%2x", &byte) == 1; text += 2)
		bytes[n++] = (uint8_t)byte;
	return n;
}

static const char *run(const char *hex)
{
	static uint8_t frame[FRAME_MAX];
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame,
		    .data_size_in = (uint32_t)parse_hex(hex, frame));

	if (bpf_prog_test_run_opts(bpf_program__fd(bpf->progs.filter), &options) < 0)
		return strerror(errno);
	if (options.retval == (uint32_t)TC_ACT_UNSPEC)
		return "pass";
	return options.retval == TC_ACT_STOLEN ? "stolen" : "another verdict";
}

static const char *remember(const struct bpf_map *map, const void *key)
{
	const uint8_t known = 1;

	return bpf_map_update_elem(bpf_map__fd(map), key, &known, BPF_ANY) < 0
		       ? strerror(errno)
		       : "known";
}

static const char *obey(const char *line)
{
	static char count[32];
	uint8_t mac[FRAME_MAX] = {0};
	const uint32_t loopback = 1;
	const char *hex;

	if (streq(line, "halt") || streq(line, "go")) {
		bpf->bss->halted = streq(line, "halt");
		return line;
	}
	if (streq(line, "tap"))
		return remember(bpf->maps.taps, &loopback);
	if (streq(line, "dropped")) {
		snprintf(count, sizeof(count), "%llu",
			 (unsigned long long)bpf->bss->dropped);
		return count;
	}
	hex = string_after(line, "card ");
	if (hex && parse_hex(hex, mac))
		return remember(bpf->maps.cards, mac);
	hex = string_after(line, "frame ");
	return hex ? run(hex) : "what?";
}

int main(void)
{
	static char line[2 * FRAME_MAX + 16];

	bpf = egress_bpf__open_and_load();
	if (!bpf) {
		printf("FAILED %d\n", errno);
		return 1;
	}
	puts("READY");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		puts(obey(line));
		fflush(stdout);
	}
	egress_bpf__destroy(bpf);
	return 0;
}
