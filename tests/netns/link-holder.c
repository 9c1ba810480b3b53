// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Builds links in namespaces of its own and holds them, for test_link.py:
 *   link-holder bridge NAME [ADDRESS,...] tap NAME BRIDGE ... [also ...] [--here]
 *   link-holder --topology FILE [--here]
 *   link-holder --shared LAB --topology FILE
 * Each "also" ends a plan: the next is built by another call. --here stays in the caller's
 * network namespace, and --shared does that as for "netns: host". Prints "READY PID", or "FAILED
 * CODE: text" (and goes on), then obeys stdin:
 *   fd TAP          prints the TAP's descriptor flags: "fd nonblock cloexec vnet_hdr=N"
 *   frames TAP MS   every frame that leaves the TAP within MS ms, as hex lines, then "END"
 *   send TAP HEX    the frame comes in by the TAP, as from its guest; prints its length
 *   node NAME       prints "node FD", its namespace's descriptor; -1 where there is none
 *   delete          links_delete(), prints "DELETED"
 * End of input ends it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#include "link/link.h"
#include "util/namespace.h"
#include "util/string.h"

#define VNET_HEADER_SIZE 10

static struct links *links;
static struct topology *topology;
static struct plan *plan; /* of the topology; NULL without one */

static const char *next_word(char ***words)
{
	return **words ? *(*words)++ : "";
}

static struct error *parse_addresses(const char *text, struct planned_link *planned)
{
	_cleanup_free_ char *copy = xstrdup(text);
	struct address *addresses = NULL;
	char *rest = copy, *one;

	while ((one = strsep(&rest, ","))) {
		grow(addresses, planned->n_addresses);
		planned->addresses = addresses;
		try(address_parse(one, &addresses[planned->n_addresses++]));
	}
	return NULL;
}

static bool is_addresses(const char *word)
{
	return word && strpbrk(word, ".:") && strchr(word, '/');
}

static struct error *parse_link(char ***words, struct planned_link *planned)
{
	bool tap = streq(next_word(words), "tap");

	planned->kind = tap ? LINK_TAP : LINK_BRIDGE;
	strncpy(planned->name, next_word(words), sizeof(planned->name) - 1);
	if (tap)
		strncpy(planned->master, next_word(words), sizeof(planned->master) - 1);
	return is_addresses(**words) ? parse_addresses(next_word(words), planned) : NULL;
}

static void free_plan(struct plan *made)
{
	for (size_t i = 0; i < made->n_links; i++)
		free((void *)made->links[i].addresses);
	free(made->links);
}

/* Up to "also" or the end; the n-th link is said to be in line n. */
static struct error *build_next(char ***words)
{
	_cleanup_(free_plan) struct plan next = {.file = "test.yaml"};

	while (**words && !streq(**words, "also")) {
		grow(next.links, next.n_links);
		next.links[next.n_links].at.line = next.n_links + 1;
		try(parse_link(words, &next.links[next.n_links++]));
	}
	if (**words)
		(*words)++;
	return links_build(links, &next);
}

static struct error *build_topology(const char *file)
{
	try(topology_load(file, &topology));
	plan = plan_new(topology);
	return links_build(links, plan);
}

static struct error *build(char **words, bool here)
{
	if (*words && streq(*words, "--shared")) {
		try(links_open_shared(&links, words[1]));
		return build_topology(words[3]);
	}
	if (!here)
		try(namespace_enter_new());
	try(links_open(&links));
	if (*words && streq(*words, "--topology"))
		return build_topology(words[1]);
	do
		try(build_next(&words));
	while (*words);
	return NULL;
}

static void show_fd(const char *name)
{
	int fd = links_tap_fd(links, name), size = 0;

	if (fd < 0) {
		printf("fd none\n");
		return;
	}
	ioctl(fd, TUNGETVNETHDRSZ, &size);
	printf("fd%s%s vnet_hdr=%d\n", fcntl(fd, F_GETFL) & O_NONBLOCK ? " nonblock" : "",
	       fcntl(fd, F_GETFD) & FD_CLOEXEC ? " cloexec" : "", size);
}

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void show_frames(const char *name, long ms)
{
	struct pollfd tap = {.fd = links_tap_fd(links, name), .events = POLLIN};
	long deadline = now_ms() + ms, left;
	unsigned char frame[65536];

	while ((left = deadline - now_ms()) > 0 && poll(&tap, 1, left) > 0) {
		ssize_t n = read(tap.fd, frame, sizeof(frame));

		for (ssize_t i = VNET_HEADER_SIZE; i < n; i++)
			printf("%02x", frame[i]);
		printf("\n");
	}
	printf("END\n");
}

static void send_frame(const char *name, const char *hex)
{
	unsigned char frame[VNET_HEADER_SIZE + 128] = {0};
	size_t n = VNET_HEADER_SIZE;

	for (; n < sizeof(frame) && sscanf(hex, "%2hhx", &frame[n]) == 1; hex += 2)
		n++;
	printf("%zd\n", write(links_tap_fd(links, name), frame, n) - VNET_HEADER_SIZE);
}

static void show_node(const char *name)
{
	int fd = -1;

	for (size_t i = 0; plan && i < plan->n_nodes; i++)
		if (streq(plan->nodes[i].name, name))
			fd = links_node_fd(links, i);
	printf("node %d\n", fd);
}

static void obey(char *line)
{
	char *verb = strtok(line, " \n"), *name = strtok(NULL, " \n");
	char *number = strtok(NULL, " \n");

	if (verb && name && streq(verb, "fd"))
		show_fd(name);
	if (verb && name && streq(verb, "node"))
		show_node(name);
	if (verb && name && number && streq(verb, "frames"))
		show_frames(name, atol(number));
	if (verb && name && number && streq(verb, "send"))
		send_frame(name, number);
	if (verb && streq(verb, "delete")) {
		links_delete(links);
		printf("DELETED\n");
	}
}

int main(int argc, char **argv)
{
	bool here = argc > 1 && streq(argv[argc - 1], "--here");
	_cleanup_error_ struct error *error = NULL;
	char line[256];

	setlinebuf(stdout);
	if (here)
		argv[argc - 1] = NULL;
	error = build(argv + 1, here);
	if (error) {
		_cleanup_free_ char *text = error_text(error);

		printf("FAILED %d: %s\n", error->code, text);
	} else {
		printf("READY %d\n", getpid());
	}
	while (fgets(line, sizeof(line), stdin))
		obey(line);
	links_free(links);
	plan_free(plan);
	topology_free(topology);
	return 0;
}
