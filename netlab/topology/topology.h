/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A lab as data: what a topology file says, validated. Pure: no descriptor, no clock. The
 * grammar is documented in netlab-topology(5).
 */
#ifndef NETLAB_TOPOLOGY_TOPOLOGY_H
#define NETLAB_TOPOLOGY_TOPOLOGY_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "topology/address.h"
#include "topology/drive.h"
#include "topology/settings.h"
#include "util/error.h"

#define TOPOLOGY_SIZE_LIMIT (4u << 20) /* bytes of a topology file */

#define GUEST_MEMORY_DEFAULT (256ull << 20) /* bytes */
#define GUEST_MEMORY_MIN     (64ull << 20)
#define GUEST_MEMORY_MAX     (1ull << 40)
#define GUEST_CPUS_MAX       16
#define GUEST_NICS_MAX       8
#define GUEST_MODULES_MAX    32
#define GUEST_FILES_MAX      256
#define LINK_ADDRESSES_MAX   16
#define LINK_NEST_MAX        8    /* links on top of each other: Linux's MAX_NEST_DEV */
#define BRIDGE_PORTS_MAX     1023 /* Linux refuses the next one (EXFULL) */
#define NIC_MODEL_DEFAULT    "e1000"
#define KERNEL_DEFAULT       "debug"
#define LAB_NAME_MAX         32
#define DEBUG_TIMES_MAX      1000000

/* What ends up on the kernel's command line, which has 2048 bytes (COMMAND_LINE_SIZE). */
#define GUEST_RUN_WORDS_MAX 24 /* the kernel gives init at most 32 (MAX_INIT_ARGS) */
#define GUEST_RUN_BYTES_MAX 1024
#define GUEST_ARGUMENTS_MAX 512 /* bytes of kernel_arguments */

#define DISK_SUITE_DEFAULT "bookworm"
#define DISK_PACKAGES_MAX  256
#define DISK_SIZE_DEFAULT  (2ull << 30) /* bytes */
#define DISK_SIZE_MIN      (512ull << 20)
#define DISK_SIZE_MAX      (1ull << 40)

#define GUEST_QEMU_WORDS_MAX 64
#define GUEST_CPU_DEFAULT    "max"

/* A bridge on the lab's host side. Its name is the name of the link. */
struct bridge {
	char *name;
	struct bridge_settings bridge;
	struct link_settings settings;
	struct address *addresses;
	size_t n_addresses;
	struct location at;
};

/* A network card of a guest, and so a TAP on the lab's host side. */
struct nic {
	char *model;  /* QEMU's name of the device: "e1000", "virtio-net-pci", … */
	char *bridge; /* the bridge that its TAP is a port of; NULL: point to point */
	struct port_vlans vlans;        /* of its TAP, where the bridge filters VLANs */
	struct link_settings settings;  /* of its TAP; impair: towards the guest */
	struct impairment impair_from;  /* of what the guest sends */
	struct address *host_addresses; /* of a point-to-point TAP: the host side's */
	size_t n_host_addresses;
	uint8_t mac[6];            /* the card's, given or derived by topology_load() */
	bool mac_given;            /* false: derived from lab, guest and position */
	char tap[IFNAMSIZ];        /* name of the TAP link, derived: unique in the lab */
	struct address *addresses; /* what the guest configures on it */
	size_t n_addresses;
	struct location at;
};

/* The kernel that a guest boots: a flavour of guest/kernel/, a source tree, or files. */
struct kernel_choice {
	char *flavour;   /* "debug", "O1+modular"; NULL when files are given */
	char *version;   /* of the distribution's source, "6.12"; NULL: netlab's choice */
	char **optimize; /* topology/optimize.h's words; NULL: none */
	bool in_place;   /* build @source in itself, as it is configured; no flavour */
	char *source; /* source tree for the flavour, absolute path; NULL: Debian's package */
	char *vmlinux; /* absolute path of an ELF kernel; NULL when a flavour is given */
	char *bzimage; /* absolute path; NULL where vmlinux alone was given */
	char *modules; /* lib/modules/VERSION of that vmlinux, absolute; NULL: none */
	struct location at;
};

enum module_load {
	MODULE_BOOT,  /* by init, before the command of `run` */
	MODULE_LATER, /* it lies in the guest, and someone loads it */
};

#define MODULE_LOADS (MODULE_LATER + 1)

#define MODULE_NAME_MAX  55 /* bytes (MODULE_NAME_LEN of Linux) */
#define MODULE_VALUE_MAX 256

/* A module that a guest gets: one that came with its kernel, or the user's own. */
struct module {
	char *name;        /* of the kernel's; NULL where there is a path */
	char *path;        /* of the folder of its source, absolute; NULL: the kernel's */
	char **parameters; /* "name=value"; NULL: none */
	enum module_load load;
	struct location at;
};

/* What a guest has at "/". */
enum guest_root {
	ROOT_BUSYBOX,   /* the image */
	ROOT_HOST,      /* the files of the machine that netlab runs on, through 9p */
	ROOT_DISK,      /* an ext4 file system on a disk */
	ROOT_DIRECTORY, /* a folder of the user's, through 9p */
	ROOT_INITRAMFS, /* a cpio archive of the user's, in memory */
};

#define GUEST_ROOTS (ROOT_INITRAMFS + 1)

/* A disk with a root file system: made from a suite of Debian's, or a file of the user's own. */
struct disk_choice {
	char *suite;     /* "bookworm"; NULL where there is a file */
	char **packages; /* beyond those that every disk has; NULL: none */
	uint64_t size;   /* of the file system, bytes */
	char *file;      /* an image of the user's own, absolute path; NULL: it is made */
	bool writable;   /* by the guest */
	bool overlay;    /* what is written goes to a layer that ends with the guest */
};

/* A file or folder of the user's that is put into a guest. */
struct extra_file {
	char *target; /* absolute path in the guest, without "." and ".." */
	char *source; /* absolute path */
	struct location at;
};

/* The board that QEMU puts a guest on. */
enum guest_machine {
	MACHINE_Q35, /* PCI Express, of 2009 */
	MACHINE_PC,  /* PCI, of 1996: i440FX */
};

#define GUEST_MACHINES (MACHINE_PC + 1)

/* What becomes of a guest whose kernel panics, or has an oops. */
enum on_panic {
	ON_PANIC_CONTINUE, /* what its kernel makes of it: mostly, it stands in a loop */
	ON_PANIC_HALT,     /* QEMU stops it, and the path to the panic is on its stack */
	ON_PANICS,
};

struct guest {
	char *name;
	uint64_t memory; /* bytes */
	unsigned cpus;
	char *cpu; /* as QEMU's -cpu takes it: "max", "qemu64,+ssse3" */
	enum guest_machine machine;
	char **qemu; /* further arguments of QEMU; NULL: none */
	enum guest_root root;
	char *root_path; /* of the folder or archive, absolute; NULL: none is wanted */
	struct disk_choice disk;  /* of ROOT_DISK */
	struct extra_file *files; /* in the order in which they are put there */
	size_t n_files;
	struct nic *nics;
	size_t n_nics;
	struct module *modules; /* in the order in which they are loaded */
	size_t n_modules;
	char **run;                  /* command that init starts after boot; NULL: none */
	char *kernel_arguments;      /* added to the kernel's command line; NULL: none */
	struct kernel_choice kernel; /* the topology's, or the guest's own */
	enum on_panic on_panic;      /* the same */
	struct location at;
};

#define PEER_NONE SIZE_MAX

/* A link of a host: a veth whose other end is a bridge's port or another host's link. */
struct host_link {
	char *name;   /* in the host's namespace: "eth0" */
	char *bridge; /* the bridge that its other end is a port of; NULL: see @peer */
	size_t peer_host; /* where bridge is NULL: index of the other host, … */
	size_t peer_link; /* … and of its link, whose peer is this; else PEER_NONE */
	char outer[IFNAMSIZ]; /* name of the bridge's end, derived: unique in the lab */
	struct port_vlans vlans; /* of the bridge's port */
	struct link_settings
		settings; /* of the host's end; impair: what the host sends. A MAC
			     address that was not given is derived, as a card's is */
	struct impairment impair_from; /* of what the bridge sends to it; none where the
					* other end is a host's, which has it as its own */
	struct address *addresses;
	size_t n_addresses;
	struct location at;
};

/* A network namespace of the lab that acts as a machine or a router. */
struct host {
	char *name;
	bool forward; /* IPv4 and IPv6 between its links */
	struct host_link *links;
	size_t n_links;
	struct virtual_link *virtuals;
	size_t n_virtuals;
	struct route *routes;
	size_t n_routes;
	struct neighbour *neighbours;
	size_t n_neighbours;
	char **sysctls; /* "net.ipv4.tcp_sack=0", those of its namespace; NULL: none */
	struct location at;
};

enum virtual_kind {
	VIRTUAL_VLAN,
	VIRTUAL_VXLAN,
	VIRTUAL_MACVLAN,
	VIRTUAL_DUMMY,
	VIRTUAL_IFB,
	VIRTUAL_TAP,
};

#define VIRTUAL_KINDS (VIRTUAL_TAP + 1)

/* A link that is made out of another one, or out of nothing. */
struct virtual_link {
	enum virtual_kind kind;
	char *name;
	char *lower; /* the link it sits on (vlan, macvlan; a vxlan may have one); or NULL */
	char *bridge; /* the bridge that it is a port of; or NULL */
	struct vlan_settings vlan;
	struct vxlan_settings vxlan;
	enum macvlan_type macvlan;
	char *owner; /* of a TAP: the user, by name or number, who may open it; NULL: who
			runs netlab */
	struct port_vlans vlans; /* as a bridge's port */
	struct link_settings settings;
	struct address *addresses;
	size_t n_addresses;
	struct location at;
};

enum debug_action {
	DEBUG_BACKTRACE, /* print the backtrace, go on */
};

#define DEBUG_ACTIONS (DEBUG_BACKTRACE + 1)

/* One step of `debug:`: stop a guest where a function is called. */
struct debug_step {
	char *guest;
	char *at; /* function name, as gdb's break takes it */
	enum debug_action action;
	unsigned times; /* stops after which the step is done, at least 1 */
	struct location location;
};

/* The network namespace that is the lab's host side. */
enum netns_choice {
	NETNS_LAB,  /* one of the lab's own */
	NETNS_HOST, /* the one that netlab runs in */
};

#define NETNS_CHOICES (NETNS_HOST + 1)

/* What the stamps of a capture are. */
enum capture_clock {
	CAPTURE_CLOCK_LAB, /* the wall clock, without the time that the lab stood still */
	CAPTURE_CLOCK_WALL,
};

#define CAPTURE_CLOCKS (CAPTURE_CLOCK_WALL + 1)

struct topology {
	char *file; /* the path as given; for messages */
	char *name; /* the lab's name where none is given on the command line */
	enum netns_choice netns;
	bool lockstep;  /* while one guest stands still, all do */
	bool hold_host; /* meanwhile the host says nothing twice */
	struct bridge *bridges;
	size_t n_bridges;
	struct guest *guests;
	size_t n_guests;
	struct host *hosts;
	size_t n_hosts;
	struct virtual_link *virtuals; /* `links:` of the lab's host side */
	size_t n_virtuals;
	struct route *routes; /* of the lab's host side */
	size_t n_routes;
	struct neighbour *neighbours; /* of the lab's host side */
	size_t n_neighbours;
	char **sysctls; /* of the lab's host side; NULL: none */
	char **capture; /* links to capture: names of the host side's, and "HOST/LINK";
			 * NULL: none */
	enum capture_clock capture_clock;
	bool capture_console; /* lines of the guests' consoles are captured, too */
	struct drive_spec *drives;
	size_t n_drives;
	struct debug_step *debugs;
	size_t n_debugs;
};

/**
 * topology_load() - read, parse and validate a topology file
 * @topology: the result, which the caller frees; untouched on error
 * Return: one error whose message holds every report found, as "file:line:column: what" with
 * the line beneath, separated by newlines; without a newline at the end.
 */
must_use struct error *topology_load(const char *path, struct topology **topology);

/**
 * topology_load_set() - as topology_load(), with what the command line sets
 * @settings: "PATH=VALUE", each put into the file's tree before it is validated, as --set
 *            in netlab(1) says; NULL: none
 */
must_use struct error *topology_load_set(const char *path, char *const *settings,
					 struct topology **topology);

/** topology_parse() - as topology_load(), on text in memory; @file is for messages. */
must_use struct error *topology_parse(const char *file, const char *text, size_t size,
				      struct topology **topology);

/** topology_free() - NULL is fine. */
void topology_free(struct topology *topology);
DEFINE_CLEANUP(struct topology *, topology_free);
#define _cleanup_topology_ _cleanup_(topology_freep)

/** topology_guest() - the guest of that name, or NULL. */
const struct guest *topology_guest(const struct topology *topology, const char *name);

/** topology_bridge() - the bridge of that name, or NULL. */
const struct bridge *topology_bridge(const struct topology *topology, const char *name);

/**
 * topology_resolve() - the address that a drive step's target means
 * @target: "server:7777"'s guest, port and family
 * @address: the first address of that family on the guest's NICs (any family: the first)
 * Return: an error naming the guest, or the family the guest has no address of.
 */
must_use struct error *topology_resolve(const struct topology *topology,
					const struct drive_target *target,
					struct address *address);

/** guest_root_name() - "busybox", "host", "disk", "directory", "initramfs". */
const char *guest_root_name(enum guest_root root);

/** disk_choice_init() - what `root: disk` means. */
void disk_choice_init(struct disk_choice *disk);
void disk_choice_deinit(struct disk_choice *disk);

/** guest_machine_name() - "q35", "pc": QEMU's name of it. */
const char *guest_machine_name(enum guest_machine machine);

/** on_panic_name() - "continue", "halt". */
const char *on_panic_name(enum on_panic on_panic);

/**
 * on_panic_parse() - what on_panic_name() says
 * Return: an error (EINVAL) that lists the words there are.
 */
must_use struct error *on_panic_parse(const char *text, enum on_panic *on_panic);

/** netns_choice_name() - "lab", "host". */
const char *netns_choice_name(enum netns_choice netns);

/** capture_clock_name() - "lab", "wall". */
const char *capture_clock_name(enum capture_clock clock);

/** capture_clock_parse() - of such a name; false where it is none. */
bool capture_clock_parse(const char *name, enum capture_clock *clock);

/** debug_action_name() - "backtrace". */
const char *debug_action_name(enum debug_action action);

/**
 * lab_name_valid() - 1 to 32 of [a-z0-9-], beginning with a letter or digit
 *
 * Names of guests and hosts follow the same rule.
 */
bool lab_name_valid(const char *name);

#endif
