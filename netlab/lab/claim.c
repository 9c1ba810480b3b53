// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/claim.h"

#include <errno.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "util/string.h"

/* A name that begins with a NUL byte is in no file system: unix(7). */
static socklen_t claim_address(const char *lab, struct sockaddr_un *address)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	snprintf(address->sun_path + 1, sizeof(address->sun_path) - 1, "netlab/%s", lab);
	return offsetof(struct sockaddr_un, sun_path) + 1 + strlen(address->sun_path + 1);
}

static struct error *taken(const char *lab)
{
	pid_t pid = 0;

	claim_holder(lab, &pid);
	return error_hint(error_new(EEXIST,
				    "lab '%s' is up in this network namespace already: "
				    "its supervisor is process %d",
				    lab, pid),
			  "give this one another name with --name");
}

struct error *claim_take(const char *lab, int *fd)
{
	_cleanup_close_ int held =
		socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un address;
	socklen_t size = claim_address(lab, &address);

	if (held < 0)
		return error_errno(errno, "socket");
	if (bind(held, (struct sockaddr *)&address, size) < 0)
		return errno == EADDRINUSE
			       ? taken(lab)
			       : error_errno(errno, "the name of lab '%s'", lab);
	if (listen(held, SOMAXCONN) < 0)
		return error_errno(errno, "the name of lab '%s'", lab);
	*fd = steal_fd(held);
	return NULL;
}

/* To have been connected is all the answer there is. */
static int on_asked(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	int asker = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

	(void)source, (void)events, (void)userdata;
	close_fd(&asker);
	return 0;
}

struct error *claim_watch(int fd, sd_event *event, sd_event_source **source)
{
	int r = sd_event_add_io(event, source, fd, EPOLLIN, on_asked, NULL);

	return r < 0 ? error_errno(-r, "event loop") : NULL;
}

/* A queue that is full (EAGAIN) has an owner as well. */
bool claim_holder(const char *lab, pid_t *pid)
{
	_cleanup_close_ int fd =
		socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un address;
	socklen_t size = claim_address(lab, &address);
	struct ucred peer = {0};
	socklen_t length = sizeof(peer);

	*pid = 0;
	if (connect(fd, (struct sockaddr *)&address, size) < 0)
		return errno != ECONNREFUSED;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0)
		*pid = peer.pid;
	return true;
}

/* Each lab is asked for once: its links mostly stand together. */
static void keep_dead(struct owned_links *links)
{
	const char *last = "";
	bool is_dead = false;
	size_t n = 0;
	pid_t pid;

	for (size_t i = 0; i < links->n; i++) {
		if (!streq(links->list[i].lab, last))
			is_dead = !claim_holder(links->list[i].lab, &pid);
		last = links->list[i].lab;
		if (is_dead)
			links->list[n++] = links->list[i];
	}
	links->n = n;
}

struct error *dead_links_list(const char *lab, struct owned_links *links)
{
	try(owner_list(lab, links));
	keep_dead(links);
	return NULL;
}

/* With its name held, so that no one brings it up meanwhile. */
struct error *dead_links_remove(const char *lab, struct owned_links *deleted)
{
	_cleanup_close_ int claim = -1;

	try(claim_take(lab, &claim));
	return owner_delete(lab, deleted);
}

char **dead_links_labs(const struct owned_links *links)
{
	char **labs = NULL;

	for (size_t i = 0; i < links->n; i++)
		if (!strv_contains(labs, links->list[i].lab))
			strv_push(&labs, xstrdup(links->list[i].lab));
	return labs;
}
