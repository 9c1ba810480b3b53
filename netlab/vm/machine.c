// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Boot times are medians of interleaved rounds, QEMU 7.2 under TCG, from exec to the kernel's
 * first user process, a 6.1 kernel of guest/kernel/debug.config.
 */
#include "vm/machine.h"

#include "util/string.h"

const char *accel_name(enum accel accel)
{
	switch (accel) {
	case ACCEL_TCG:
		return "tcg";
	case ACCEL_KVM:
		return "kvm";
	}
	return NULL;
}

/* @value as QEMU's option parser wants it: a comma is written twice. */
static char *escape(const char *value)
{
	char *escaped = xcalloc(strlen(value) * 2 + 1, 1), *out = escaped;

	for (; *value; value++) {
		if (*value == ',')
			*out++ = ',';
		*out++ = *value;
	}
	return escaped;
}

static void add(char ***argv, const char *option, char *owned_value)
{
	strv_push(argv, xstrdup(option));
	strv_push(argv, owned_value);
}

static void add_name(char ***argv, const struct machine *machine)
{
	_cleanup_free_ char *name = escape(machine->name);

	add(argv, "-name", xasprintf("guest=%s,process=%s", name, name));
}

/*
 * q35 boots in 1.00 s where pc takes 1.20 s; without the devices that no guest of ours drives
 * 0.98 s. microvm would be quicker still, but has its PCI bus in memory-mapped configuration
 * space only, and no I/O ports for its cards.
 *
 * -cpu max: RDRAND seeds the guest's random numbers at once, so no virtio-rng is needed.
 * tb-size= and thread= of TCG made no difference beyond the noise.
 */
static void add_board(char ***argv, const struct machine *machine)
{
	add(argv, "-machine",
	    xasprintf("%s,sata=off,smbus=off,usb=off,vmport=off,i8042=off",
		      machine->board));
	add(argv, "-accel", xstrdup(accel_name(machine->accel)));
	add(argv, "-cpu", xstrdup(machine->cpu));
	add(argv, "-m", xasprintf("size=%lluB", (unsigned long long)machine->memory));
	add(argv, "-smp", xasprintf("%u", machine->cpus));
	strv_push(argv, xstrdup("-nodefaults"));
	strv_push(argv, xstrdup("-no-user-config"));
	add(argv, "-display", xstrdup("none"));
	/* A guest that resets itself (a triple fault) ends; one that panics hangs, and its
	 * console says so. */
	strv_push(argv, xstrdup("-no-reboot"));
}

/*
 * While the debugger holds a guest its time stands still: QEMU stops the counters that the
 * kernel reads (TSC, HPET, PM timer) with the vCPUs, so that uptime and, counted on from
 * it, the wall clock go on where they were (a 6.1 kernel after 5 s in gdb and 3 s of QMP's
 * stop: 0.03 s later). The battery clock alone would follow the host's; clock=vm stops it,
 * too, and hwclock and date stay together.
 */
static void add_clock(char ***argv)
{
	add(argv, "-rtc", xstrdup("base=utc,clock=vm"));
}

/* The rate that the kernel shall not measure itself: see tsc.c. KVM has its own clock. It
 * stands first: what is behind " -- " would be init's. */
static char *command_line(const struct machine *machine)
{
	if (machine->accel != ACCEL_TCG || !machine->tsc_khz)
		return xstrdup(machine->append);
	return xasprintf("tsc_early_khz=%u%s%s", machine->tsc_khz,
			 machine->append[0] ? " " : "", machine->append);
}

/* qboot jumps into the PVH entry of an ELF kernel at once: no BIOS, no decompression. These
 * four values are not parsed by QEMU, commas stay as they are. */
static void add_kernel(char ***argv, const struct machine *machine)
{
	add(argv, "-bios", xstrdup("qboot.rom"));
	add(argv, "-kernel", xstrdup(machine->kernel));
	add(argv, "-initrd", xstrdup(machine->initrd));
	add(argv, "-append", command_line(machine));
}

static char *socket_at(const struct machine *machine, const char *id)
{
	_cleanup_free_ char *log =
		streq(id, "serial") ? xasprintf(",logfile=%s.console", machine->sockets)
				    : xstrdup("");

	return xasprintf("socket,id=%s,path=%s.%s,server=on,wait=off%s", id,
			 machine->sockets, id, log);
}

static char *socket_of(const char *id, int fd)
{
	return xasprintf("socket,id=%s,fd=%d%s", id, fd,
			 streq(id, "gdb") ? ",server=on,wait=off" : "");
}

/* Returns false where there is no such port. */
static bool add_socket(char ***argv, const struct machine *machine, const char *id,
		       int fd)
{
	if (machine->sockets)
		add(argv, "-chardev", socket_at(machine, id));
	else if (fd >= 0)
		add(argv, "-chardev", socket_of(id, fd));
	return machine->sockets || fd >= 0;
}

static void add_ports(char ***argv, const struct machine *machine)
{
	if (add_socket(argv, machine, "serial", machine->serial))
		add(argv, "-serial", xstrdup("chardev:serial"));
	if (add_socket(argv, machine, "qmp", machine->qmp))
		add(argv, "-mon", xstrdup("chardev=qmp,mode=control"));
	if (add_socket(argv, machine, "agent", machine->agent)) {
		/* Port 0 is kept for a console; the default of 31 ports costs the guest 60
		 * queues more. */
		add(argv, "-device", xstrdup("virtio-serial-pci,max_ports=2"));
		add(argv, "-device",
		    xstrdup("virtserialport,chardev=agent,name=" MACHINE_AGENT_PORT));
	}
	if (add_socket(argv, machine, "gdb", machine->gdb))
		add(argv, "-gdb", xstrdup("chardev:gdb"));
}

/*
 * readonly=on is held by QEMU, so that nothing in the guest can write. multidevs=remap: what
 * is mounted below @shared has inode numbers of its own, which must not meet in the guest.
 */
static void add_shared(char ***argv, const struct machine *machine)
{
	_cleanup_free_ char *path = NULL;

	if (!machine->shared)
		return;
	path = escape(machine->shared);
	add(argv, "-fsdev",
	    xasprintf("local,id=shared,path=%s,security_model=none,readonly=on,"
		      "multidevs=remap",
		      path));
	add(argv, "-device",
	    xstrdup("virtio-9p-pci,fsdev=shared,mount_tag=" MACHINE_SHARED_TAG));
}

static const char *access_option(enum disk_access access)
{
	switch (access) {
	case DISK_OVERLAY:
		return "snapshot=on";
	case DISK_WRITE:
		return "cache=writeback";
	case DISK_READ_ONLY:
		return "readonly=on";
	}
	return NULL;
}

/*
 * The format is named: QEMU won't guess it from bytes that a guest may have written. Where nothing
 * more fits onto the host's disk, the guest hears of it (werror=): else QEMU would stop it, and
 * its lab with it, until someone makes room.
 */
static void add_disk(char ***argv, const struct machine *machine)
{
	_cleanup_free_ char *path = NULL;

	if (!machine->disk)
		return;
	path = escape(machine->disk);
	add(argv, "-drive",
	    xasprintf("if=none,id=disk,file=%s,format=%s,%s,werror=report", path,
		      machine->disk_is_qcow2 ? "qcow2" : "raw",
		      access_option(machine->disk_access)));
	add(argv, "-device", xstrdup("virtio-blk-pci,drive=disk"));
}

/*
 * QEMU's e1000 takes the link down for its autonegotiation when the driver starts, and the
 * driver's watchdog sees it come back two seconds later. Without: the link is up at once, and
 * the first echo came 2.0 s earlier.
 */
static const char *model_options(const char *model)
{
	return string_after(model, "e1000") && !streq(model, "e1000e")
		       ? ",autonegotiation=off"
		       : "";
}

/* romfile=: there is nothing to boot from the network, and the option ROM costs time.
 * driver= keeps a model that begins with "{" from being read as JSON. */
static void add_nic(char ***argv, const struct machine_nic *nic, size_t i)
{
	_cleanup_free_ char *model = escape(nic->model);
	_cleanup_free_ char *link = escape(nic->link ?: "");
	const uint8_t *mac = nic->mac;

	add(argv, "-netdev",
	    nic->tap >= 0 ? xasprintf("tap,id=net%zu,fd=%d", i, nic->tap)
			  : xasprintf("tap,id=net%zu,ifname=%s,script=no,downscript=no",
				      i, link));
	add(argv, "-device",
	    xasprintf("driver=%s,netdev=net%zu,mac=%02x:%02x:%02x:%02x:%02x:%02x,"
		      "romfile=%s",
		      model, i, mac[0], mac[1], mac[2], mac[3], mac[4], mac[5],
		      model_options(nic->model)));
}

char **machine_argv(const struct machine *machine)
{
	char **argv = NULL;

	strv_push(&argv, xstrdup("qemu-system-x86_64"));
	add_name(&argv, machine);
	add_board(&argv, machine);
	add_clock(&argv);
	add_kernel(&argv, machine);
	add_ports(&argv, machine);
	add_shared(&argv, machine);
	add_disk(&argv, machine);
	for (size_t i = 0; i < machine->n_nics; i++)
		add_nic(&argv, &machine->nics[i], i);
	if (machine->freeze)
		strv_push(&argv, xstrdup("-S"));
	strv_foreach (word, machine->further)
		strv_push(&argv, xstrdup(*word));
	return argv;
}

size_t machine_descriptors(const struct machine *machine, int *fds)
{
	const int ports[] = {machine->serial, machine->qmp, machine->agent, machine->gdb};
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(ports); i++)
		if (ports[i] >= 0)
			fds[n++] = ports[i];
	for (size_t i = 0; i < machine->n_nics; i++)
		fds[n++] = machine->nics[i].tap;
	return n;
}
