// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/ring.h"

#include <errno.h>
#include <linux/filter.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "util/clock.h"
#include "util/log.h"
#include "util/namespace.h"
#include "util/string.h"

#define RING_BYTES_DEFAULT (8u << 20)
#define READ_AT_ONCE       1024 /* frames */
#define LINKTYPE_RAW       101  /* where DLT_RAW is 12: they differ below 104 only */

/* A frame may wait for its block's timeout, which the kernel rounds up to its ticks. */
#define KNOWN_AFTER_NS (2ull * RING_BLOCK_TIMEOUT_MS * 1000000)

/* What pcap_activate() says with a negative status, as an error of ours. */
static struct error *explain_status(pcap_t *pcap, int status)
{
	switch (status) {
	case PCAP_ERROR_NO_SUCH_DEVICE:
		return error_new(ENODEV, "there is no such link");
	case PCAP_ERROR_IFACE_NOT_UP:
		return error_new(ENETDOWN, "the link is down, and can't be captured on");
	case PCAP_ERROR_PERM_DENIED:
	case PCAP_ERROR_PROMISC_PERM_DENIED:
		return error_hint(error_new(EPERM, "no permission to capture on it"),
				  "CAP_NET_RAW is needed in its network namespace");
	case PCAP_ERROR:
		return error_new(EIO, "can't capture: %s", pcap_geterr(pcap));
	default:
		return error_new(EIO, "can't capture: %s: %s", pcap_statustostr(status),
				 pcap_geterr(pcap));
	}
}

static int ring_bytes(const struct capture_options *options)
{
	size_t bytes = options->ring_bytes ? options->ring_bytes : RING_BYTES_DEFAULT;

	return bytes < INT32_MAX ? bytes : INT32_MAX;
}

static uint32_t snaplen(const struct capture_options *options)
{
	bool all = options->snaplen == 0 || options->snaplen > PCAPNG_FRAME_MAX;

	return all ? PCAPNG_FRAME_MAX : options->snaplen;
}

/* Block mode: immediate mode would fall back to TPACKET_V2 and slots of snaplen bytes. */
static struct error *activate(pcap_t *pcap, const struct capture_options *options)
{
	int status;

	pcap_set_snaplen(pcap, snaplen(options));
	pcap_set_promisc(pcap, 1); /* a bridge shows what its ports say to each other */
	pcap_set_timeout(pcap, RING_BLOCK_TIMEOUT_MS);
	pcap_set_buffer_size(pcap, ring_bytes(options));
	if (pcap_set_tstamp_precision(pcap, PCAP_TSTAMP_PRECISION_NANO) != 0)
		return error_new(ENOTSUP, "libpcap has no nanosecond stamps");
	status = pcap_activate(pcap);
	if (status < 0)
		return explain_status(pcap, status);
	if (status > 0)
		log_debug("capture: %s: %s", pcap_statustostr(status), pcap_geterr(pcap));
	return NULL;
}

static struct error *set_filter(pcap_t *pcap, const char *filter)
{
	struct bpf_program program;
	int status;

	if (!filter)
		return NULL;
	if (pcap_compile(pcap, &program, filter, 1, PCAP_NETMASK_UNKNOWN) != 0)
		return error_new(EINVAL, "filter \"%s\": %s", filter, pcap_geterr(pcap));
	status = pcap_setfilter(pcap, &program);
	pcap_freecode(&program);
	return status ? error_new(EINVAL, "filter \"%s\": %s", filter, pcap_geterr(pcap))
		      : NULL;
}

struct opening {
	struct ring *ring;
	const struct capture_options *options;
};

static struct error *open_handle(void *userdata)
{
	const struct opening *opening = userdata;
	struct ring *ring = opening->ring;
	char message[PCAP_ERRBUF_SIZE] = "";

	/* To libpcap, "any" and "usbmon1" are devices too: it gets names of links
	 * only. */
	if (if_nametoindex(ring->device) == 0)
		return errno == ENODEV ? error_new(ENODEV, "there is no such link")
				       : error_errno(errno, "can't be looked for");
	ring->pcap = pcap_create(ring->device, message);
	if (!ring->pcap)
		return error_new(EIO, "can't capture: %s", message);
	try(activate(ring->pcap, opening->options));
	try(set_filter(ring->pcap, opening->options->filter));
	if (pcap_setnonblock(ring->pcap, 1, message) < 0)
		return error_new(EIO, "can't capture: %s", message);
	return NULL;
}

struct error *ring_open(struct ring *ring, const struct capture_link *link,
			const struct capture_options *options)
{
	struct opening opening = {ring, options};

	ring->device = xstrdup(link->name);
	ring->name = xstrdup(link->label ?: link->name);
	return error_object(namespace_visit(link->namespace, open_handle, &opening),
			    ring->name);
}

void ring_close(struct ring *ring)
{
	if (ring->pcap)
		pcap_close(ring->pcap);
	ring->pcap = NULL;
	free(steal_ptr(ring->device));
	free(steal_ptr(ring->name));
}

int ring_fd(const struct ring *ring)
{
	return pcap_get_selectable_fd(ring->pcap);
}

uint16_t ring_link_type(const struct ring *ring)
{
	int type = pcap_datalink(ring->pcap);

	return type == DLT_RAW ? LINKTYPE_RAW : type;
}

struct reading {
	struct ring *ring;
	struct hold *hold;
};

/* With nanosecond precision, tv_usec holds nanoseconds. */
static void take_frame(u_char *userdata, const struct pcap_pkthdr *header,
		       const u_char *data)
{
	const struct reading *reading = (const struct reading *)userdata;
	struct pcapng_frame frame = {
		.interface = reading->ring->interface,
		.stamp = header->ts.tv_sec * 1000000000ull + header->ts.tv_usec,
		.data = data,
		.captured = header->caplen,
		.length = header->len,
	};

	hold_add(reading->hold, &frame);
	reading->ring->taken++;
}

/* libpcap says in words alone that the link went away. Its socket stays in the namespace that it
 * was made in, wherever the process is. */
static bool is_gone(const struct ring *ring)
{
	struct ifreq request = {0};

	strncpy(request.ifr_name, ring->device, sizeof(request.ifr_name) - 1);
	return ioctl(pcap_fileno(ring->pcap), SIOCGIFINDEX, &request) < 0 &&
	       errno == ENODEV;
}

struct error *ring_read(struct ring *ring, struct hold *hold)
{
	struct reading reading = {ring, hold};
	uint64_t now = realtime_now();
	int n = pcap_dispatch(ring->pcap, READ_AT_ONCE, take_frame, (u_char *)&reading);

	if (n < 0)
		return error_object(error_new(is_gone(ring) ? ENODEV : EIO,
					      "the capture stopped: %s",
					      pcap_geterr(ring->pcap)),
				    ring->name);
	if (n < READ_AT_ONCE)
		ring->known_until = now - KNOWN_AFTER_NS;
	return NULL;
}

void ring_stop(struct ring *ring)
{
	struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog program = {1, &nothing};

	/* Past libpcap, which would take a new filter to mean the frames in the ring
	 * too. */
	if (setsockopt(pcap_fileno(ring->pcap), SOL_SOCKET, SO_ATTACH_FILTER, &program,
		       sizeof(program)) < 0)
		log_debug("capture: %s: goes on while it is drained", ring->name);
}

void ring_count(struct ring *ring)
{
	struct pcap_stat now;

	if (!ring->pcap || pcap_stats(ring->pcap, &now) != 0)
		return;
	ring->received += now.ps_recv - ring->last.ps_recv;
	ring->dropped += now.ps_drop - ring->last.ps_drop;
	ring->last = now;
}

bool ring_is_empty(const struct ring *ring)
{
	return ring->taken + ring->dropped >= ring->received;
}

bool ring_needs_polling(const struct ring *ring)
{
	return pcap_get_required_select_timeout(ring->pcap) != NULL;
}
