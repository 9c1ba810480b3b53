/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a tree of YAML to a struct topology: tables of keys, and what reads their values. A value
 * that is wrong is reported and left out, so that one run finds them all. The keys of a mapping
 * are read in the order of its table, not of the file: bridges before the guests on them.
 */
#ifndef NETLAB_TOPOLOGY_READER_H
#define NETLAB_TOPOLOGY_READER_H

#include "topology/names.h"
#include "topology/report.h"
#include "topology/yaml.h"

/* The values that links of a node were read from, for what can be checked only later. */
struct sources {
	const struct node *node;      /* the host's mapping; the lab's: the file's */
	const struct node **links;    /* by the index in the host's links */
	const struct node **virtuals; /* by the index in its virtuals */
};

struct reader {
	struct reports *reports;
	struct topology *topology;   /* what is being filled */
	char *directory;             /* of the file; absolute */
	struct kernel_choice kernel; /* of guests that have none of their own */
	enum on_panic on_panic;      /* the same */
	struct names bridges;        /* value: struct bridge */
	struct names guests;         /* value: struct guest */
	struct names hosts;          /* value: struct host */
	struct names virtuals;       /* the host side's; value: struct virtual_link */
	struct names links;     /* of the host side; value: the link's name. Cards also as
			     * GUEST.N, hosts' links as HOST.LINK */
	struct names addresses; /* no value */
	struct names macs;      /* no value */
	unsigned *ports;        /* of each bridge, by its index */
	struct sources lab;     /* of the lab's host side */
	struct sources *host;   /* of each host, by its index */
};

/* Reads one value into @into; @what is what messages call it. */
typedef void (*read_fn)(struct reader *reader, const char *what, const struct node *value,
			void *into);

struct field {
	const char *key; /* NULL ends a table */
	read_fn read;
	bool required;
	size_t offset; /* of what @read reads into, in what the table is read into */
};

#define FIELDS_MAX 24

/**
 * read_mapping() - read the keys of a table, each at most once, no others
 * @what: "a guest"
 */
void read_mapping(struct reader *reader, const char *what, const struct node *node,
		  const struct field *fields, void *into);

/** node_value() - what read_mapping() takes from a mapping for @key; NULL where it has none. */
const struct node *node_value(const struct node *node, const char *key);

/** node_place() - where that stands; where there is none, where @node does. */
struct location node_place(const struct node *node, const char *key);

/** is_mapping() - is it a mapping, or nothing? Reported where not. */
bool is_mapping(struct reader *reader, const char *what, const struct node *node);

/** is_list() - is it a list, or nothing? Reported where not. */
bool is_list(struct reader *reader, const char *what, const struct node *node);

/**
 * read_text() - a scalar's text, borrowed from @node
 * Return: NULL, and reported, where it is something else, is missing or holds a NUL.
 */
const char *read_text(struct reader *reader, const char *what, const struct node *node);

/** read_line() - as read_text(), neither empty nor with control characters. */
const char *read_line(struct reader *reader, const char *what, const struct node *node);

/** read_file_path() - the path of a file into a char *: absolute, or relative to the topology's
 * folder; what was there is freed. */
void read_file_path(struct reader *reader, const char *what, const struct node *node,
		    void *into);

/** read_count() - a number from @min to @max; @count is left as it is where it is wrong. */
void read_count(struct reader *reader, const char *what, const struct node *node,
		uint64_t min, uint64_t max, unsigned *count);

/* What can be read straight from a table of fields. Into a bool: */
void read_switch(struct reader *reader, const char *what, const struct node *node,
		 void *into);
/* … an enum choice: */
void read_choice(struct reader *reader, const char *what, const struct node *node,
		 void *into);

/** read_time() - a duration from @min to @max ns; @ns is left as it is where it is wrong. */
void read_time(struct reader *reader, const char *what, const struct node *node,
	       uint64_t min, uint64_t max, uint64_t *ns);

/**
 * read_one_of() - one of the words that @name gives for 0 to @n - 1
 * @value: left as it is where it is none of them
 */
void read_one_of(struct reader *reader, const char *what, const struct node *node,
		 const char *(*name)(unsigned value), unsigned n, unsigned *value);

/**
 * read_name() - a key that names a bridge, guest, host or link
 * @names: where it becomes known, as @value
 * Return: NULL, and reported, where it isn't text or was given before.
 */
const char *read_name(struct reader *reader, const char *what, const struct node *key,
		      struct names *names, const void *value);

/** read_known() - a name that must be in @names: what it stands for, or NULL and reported. */
const void *read_known(struct reader *reader, const char *what, const struct node *node,
		       const struct names *names);

/** read_addresses() - a list of addresses; those of @link must differ from all of the lab. */
void read_addresses(struct reader *reader, const char *what, const struct node *node,
		    const char *link, struct address **addresses, size_t *n);

/** read_one_address() - one without a prefix; false, and reported, where it is none. */
bool read_one_address(struct reader *reader, const char *what, const struct node *node,
		      struct address *address);

/** take_mac() - a MAC address of a card or link, which must differ from all of the lab. */
bool take_mac(struct reader *reader, const char *what, const struct node *node,
	      uint8_t mac[6]);

/**
 * topology_read() - the topology that reports->text describes
 * @reports: filled and sorted where something is wrong
 * Return: NULL where there are reports.
 */
struct topology *topology_read(const char *file, struct reports *reports);

/* The sections of the file; each is a read_fn on the struct topology. */
void read_bridges(struct reader *reader, const char *what, const struct node *node,
		  void *into);
void read_lab_links(struct reader *reader, const char *what, const struct node *node,
		    void *into);
void read_guests(struct reader *reader, const char *what, const struct node *node,
		 void *into);
void read_hosts(struct reader *reader, const char *what, const struct node *node,
		void *into);
void read_capture(struct reader *reader, const char *what, const struct node *node,
		  void *into);
void read_drive(struct reader *reader, const char *what, const struct node *node,
		void *into);
void read_debug(struct reader *reader, const char *what, const struct node *node,
		void *into);

/** read_nics() - a read_fn on the struct guest. */
void read_nics(struct reader *reader, const char *what, const struct node *node,
	       void *into);

/* The machine's keys; each a read_fn on the struct guest. */
void read_memory(struct reader *reader, const char *what, const struct node *node,
		 void *into);
void read_cpus(struct reader *reader, const char *what, const struct node *node,
	       void *into);
void read_cpu(struct reader *reader, const char *what, const struct node *node,
	      void *into);
void read_machine(struct reader *reader, const char *what, const struct node *node,
		  void *into);
void read_qemu(struct reader *reader, const char *what, const struct node *node,
	       void *into);

/** read_on_panic() - into an enum on_panic. */
void read_on_panic(struct reader *reader, const char *what, const struct node *node,
		   void *into);

/** read_modules() - a read_fn on the struct guest. */
void read_modules(struct reader *reader, const char *what, const struct node *node,
		  void *into);
void module_deinit(struct module *module);

/* The root file system's keys; each a read_fn on the struct guest. */
void read_guest_root(struct reader *reader, const char *what, const struct node *node,
		     void *into);
void read_files(struct reader *reader, const char *what, const struct node *node,
		void *into);

/** check_root() - what holds between a guest's keys, once all are read; its kernel gets the
 * flavour that its root wants. */
void check_root(struct reader *reader, struct guest *guest);
void root_deinit(struct guest *guest);

/** check_node_name() - can @key, whose text is known, be the name of a guest or host? */
void check_node_name(struct reader *reader, const char *what, const struct node *key);

/**
 * check_nodes() - what holds between links, hosts, routes and neighbours
 *
 * Called once, when all else is read: finds the other ends of links between hosts, the links
 * that virtual ones sit on, and the devices of routes and neighbours.
 */
void check_nodes(struct reader *reader);

/** sources_deinit() - the values themselves are the YAML tree's. */
void sources_deinit(struct sources *sources);

/** read_kernel() - into a struct kernel_choice, a value of which is replaced. */
void read_kernel(struct reader *reader, const char *what, const struct node *node,
		 void *into);
void kernel_choice_copy(struct kernel_choice *to, const struct kernel_choice *from);
void kernel_choice_deinit(struct kernel_choice *choice);

/*
 * What netlab derives. The same lab, guest or host, and position or link give the same address
 * and name, whatever else is in the file, unless they are taken.
 */

/** derive_taps() - give the TAP of every card its name. */
void derive_taps(struct reader *reader);

/** derive_outers() - give the bridge's end of every host's link its name. */
void derive_outers(struct reader *reader);

/** derive_macs() - give cards and hosts' links MAC addresses where they have none. */
void derive_macs(struct reader *reader);

/** guest_address() - the first address of @family; false where the guest has none. */
bool guest_address(const struct guest *guest, int family, struct address *address);

#endif
