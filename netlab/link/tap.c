// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <netlink/errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "link/kind.h"
#include "link/link.h"
#include "util/log.h"
#include "util/string.h"

#define TUN_DEVICE "/dev/net/tun"

/*
 * Frames that wait in a TAP whose guest is halted. Beyond it the kernel drops without a word,
 * and no queueing discipline helps: measured at the default of 1000. As many of 1448 bytes are
 * the whole buffer of a TCP receiver (6 MiB, tcp_rmem's default limit), so more than any window
 * it opens. Twice as many made 1000 TAPs take half as long again: their ring is 64 KiB, of pages
 * that no list of the processor's keeps ready (PAGE_ALLOC_COSTLY_ORDER).
 */
#define TAP_QUEUE_LENGTH 4096

static struct error *refused(int code)
{
	struct error *error;
	struct stat st;

	if (stat(TUN_DEVICE, &st) < 0)
		return error_errno(code, TUN_DEVICE);
	error = error_errno(
		code, TUN_DEVICE " (mode %04o, owner %u:%u): not for this user (%u)",
		st.st_mode & 07777, st.st_uid, st.st_gid, geteuid());
	return error_hint(error, "let every user open it, which by itself gives no right "
				 "over any link, as root: chmod 0666 " TUN_DEVICE
				 "; or run netlab as root");
}

static struct error *explain_open(int code)
{
	struct error *error;

	if (code == EACCES || code == EPERM)
		return refused(code);
	error = error_errno(code, TUN_DEVICE);
	if (code == ENOENT)
		return error_hint(
			error, "load the driver, as root: modprobe tun; in a "
			       "container, pass the device in (--device " TUN_DEVICE ")");
	if (code == ENODEV || code == ENXIO)
		return error_hint(error, "the kernel has no TUN driver loaded; as root: "
					 "modprobe tun");
	return error;
}

static struct error *open_tun(int *fd)
{
	*fd = open(TUN_DEVICE, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	return *fd < 0 ? explain_open(errno) : NULL;
}

struct error *tap_check_device(void)
{
	_cleanup_close_ int fd = -1;

	return open_tun(&fd);
}

static struct error *explain_attach(int code)
{
	if (code == EBUSY)
		return error_new(EEXIST, "a link of that name exists already");
	return error_hint(error_errno(code, "the TAP can't be made"), "%s",
			  code == EPERM ? "that needs CAP_NET_ADMIN in the network "
					  "namespace"
					: "is the name a valid one for a link?");
}

/* struct virtio_net_hdr_mrg_rxbuf, which virtio since 1.0 has for all (VIRTIO 1.1, 5.1.6). */
#define VIRTIO_HEADER_SIZE 12

/*
 * The descriptor of a TAP that someone deleted. QEMU holds it as well, and goes on once it is
 * one of a TAP again; it has set the size of the headers for good.
 */
static struct error *attach_again(const struct link_job *job, struct ifreq *request)
{
	const struct planned_link *planned = job->planned;
	const char *model = planned->guest ? planned->guest->nics[planned->nic].model
					   : "";
	int size = VIRTIO_HEADER_SIZE;

	if (ioctl(job->made->tap, TUNSETIFF, request) < 0)
		return explain_attach(errno);
	if (string_after(model, "virtio-") &&
	    ioctl(job->made->tap, TUNSETVNETHDRSZ, &size) < 0)
		return error_errno(errno, "the TAP's headers can't be as they were");
	return NULL;
}

/*
 * IFF_TUN_EXCL: without it, a persistent TAP of that name that someone else made would be
 * taken over in silence (kernel 3.10 and later). */
static struct error *tap_create(const struct link_job *job)
{
	struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
	bool again = job->made->tap >= 0;

	request.ifr_flags |= IFF_TUN_EXCL;
	memcpy(request.ifr_name, job->made->name, sizeof(job->made->name));
	if (again)
		return attach_again(job, &request);
	try(open_tun(&job->made->tap));
	if (ioctl(job->made->tap, TUNSETIFF, &request) < 0)
		return explain_attach(errno);
	return NULL;
}

static int build_noqueue(int index, struct nl_msg **message)
{
	_cleanup_route_qdisc_ struct rtnl_qdisc *qdisc = rtnl_qdisc_alloc();

	if (!qdisc)
		return -NLE_NOMEM;
	rtnl_tc_set_ifindex(TC_CAST(qdisc), index);
	rtnl_tc_set_parent(TC_CAST(qdisc), TC_H_ROOT);
	rtnl_tc_set_kind(TC_CAST(qdisc), "noqueue");
	return rtnl_qdisc_build_add_request(qdisc, NLM_F_CREATE, message);
}

/* A number is a user, whether or not the system has a name for it. */
static struct error *find_user(const char *owner, uid_t *uid)
{
	char *end;
	unsigned long number = strtoul(owner, &end, 10);
	struct passwd *user;

	if (*owner >= '0' && *owner <= '9' && !*end && number < UINT32_MAX) {
		*uid = number;
		return NULL;
	}
	user = getpwnam(owner);
	if (!user)
		return error_new(ENOENT, "owner: there is no user '%s'", owner);
	*uid = user->pw_uid;
	return NULL;
}

static struct error *explain_owner(const char *owner, int code)
{
	if (code == EINVAL && owner)
		return error_hint(
			error_new(EINVAL,
				  "owner: user '%s' is not in the lab's user namespace",
				  owner),
			"leave 'owner' out, and it is you; or run netlab as root");
	return error_errno(code, "the TAP can't be made to stay");
}

/*
 * A TAP that no guest has stays without a descriptor, for the program that its owner starts;
 * as long as netlab had it open, no other could (EBUSY). Its group takes it away.
 */
static struct error *leave_to_owner(const struct link_job *job)
{
	const char *owner = job->planned->owner;
	uid_t uid = geteuid();

	if (owner)
		try(find_user(owner, &uid));
	if (ioctl(job->made->tap, TUNSETOWNER, (unsigned long)uid) < 0 ||
	    ioctl(job->made->tap, TUNSETPERSIST, 1ul) < 0)
		return explain_owner(owner, errno);
	close_fd(&job->made->tap);
	return NULL;
}

/*
 * A TAP's queue is its own ring: a queueing discipline before it never holds a frame. The
 * default one, pfifo_fast, comes with three rings of TAP_QUEUE_LENGTH more, which the kernel
 * clears when the TAP is raised: with rings of 80 kB that was half the time of making a TAP.
 * An impairment is a discipline of its own, and comes in the next step.
 */
struct error *tap_drop_queue(const struct link_job *job)
{
	_cleanup_message_ struct nl_msg *message = NULL;
	struct error *error;
	int code;

	if (!impairment_is_none(&job->planned->settings.impair))
		return NULL;
	code = build_noqueue(job->made->index, &message);
	if (code < 0)
		return netlink_unbuilt(code);
	error = netlink_request(&job->node->netlink, message, "can't be without a queue");
	/* A kernel without queueing disciplines, or (before 4.3) without this one. */
	if (error && (error->code == EOPNOTSUPP || error->code == ENOENT)) {
		log_debug("%s: %s", job->planned->name, error->message);
		error_ignore(steal_ptr(error));
	}
	return error;
}

static struct error *tap_prepare(const struct link_job *job)
{
	try(tap_drop_queue(job));
	return job->planned->persistent ? leave_to_owner(job) : NULL;
}

const struct link_kind_ops tap_ops = {
	.type = "tun",
	.module = "tun",
	.create = tap_create,
	.prepare = tap_prepare,
	.txqueuelen = TAP_QUEUE_LENGTH,
	.by_ioctl = true,
};
