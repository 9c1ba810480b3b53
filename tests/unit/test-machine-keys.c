// SPDX-License-Identifier: GPL-2.0-or-later
/* The keys of a guest's machine, the drivers of its cards, and what QEMU refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lab/drivers.h"
#include "lab/refusal.h"
#include "topology/topology.h"
#include "util/string.h"

static struct error *parse(const char *keys, struct topology **topology)
{
	_cleanup_free_ char *text = xasprintf("guests: {g: {%s}}", keys);

	return topology_parse("t.yaml", text, strlen(text), topology);
}

static void a_machine_with_all_its_keys(void **state)
{
	_cleanup_topology_ struct topology *t = NULL;
	_cleanup_error_ struct error *error =
		parse("memory: 1G, cpus: 4, cpu: 'host,-avx', machine: pc, "
		      "qemu: [-device, virtio-rng-pci, -icount, auto, -chardev, "
		      "'null,id=mine']",
		      &t);

	(void)state;
	assert_null(error);
	assert_int_equal(t->guests[0].memory, 1 << 30);
	assert_int_equal(t->guests[0].cpus, 4);
	assert_string_equal(t->guests[0].cpu, "host,-avx");
	assert_int_equal(t->guests[0].machine, MACHINE_PC);
	assert_int_equal(strv_length(t->guests[0].qemu), 6);
}

static void the_machine_without_keys(void **state)
{
	_cleanup_topology_ struct topology *t = NULL;
	_cleanup_error_ struct error *error = parse("", &t);

	(void)state;
	assert_null(error);
	assert_string_equal(t->guests[0].cpu, "max");
	assert_int_equal(t->guests[0].machine, MACHINE_Q35);
	assert_null(t->guests[0].qemu);
}

static void refuse(const char *keys, const char *what)
{
	_cleanup_topology_ struct topology *t = NULL;
	_cleanup_error_ struct error *error = parse(keys, &t);

	assert_non_null(error);
	assert_null(strstr(error->message, "t.yaml:1:1:"));
	if (!strstr(error->message, what))
		fail_msg("%s", error->message);
}

static void qemu_s_arguments_that_netlab_sets(void **state)
{
	(void)state;
	refuse("qemu: [-gdb, 'tcp::1234']",
	       "qemu: '-gdb' is not for a topology: 'netlab gdb' speaks to netlab's own");
	refuse("qemu: [-s]", "'-s' is not for a topology");
	refuse("qemu: [--qmp, stdio]", "'--qmp' is not for a topology");
	refuse("qemu: [-m, 1G]", "the key 'memory' sets it");
	refuse("qemu: [-netdev, 'user,id=net0']",
	       "'-netdev user,id=net0': netlab has something of that id itself");
	refuse("qemu: [-chardev, 'null,id=gdb']", "of that id itself");
	refuse("qemu: [disk.img]", "'disk.img' is no option of QEMU's");
	refuse("qemu: [-device, x, y]", "'y' is no option of QEMU's");
	refuse("qemu: [\"-a\\tb\"]", "control character");
	refuse("qemu: [-drive, 'if=none,id=disk']", "of that id itself");
	refuse("machine: microvm",
	       "machine: microvm has its cards where netlab's kernels");
	refuse("machine: isapc", "'isapc' is none of: q35, pc");
	refuse("cpu: []", "text is wanted");
}

static void drivers_of_cards(void **state)
{
	static const char config[] = "# CONFIG_E100 is not set\nCONFIG_E1000=y\n"
				     "CONFIG_8139TOO=m\nCONFIG_E1000E_HWTS=y\n"
				     "CONFIG_VMXNET3=y";

	(void)state;
	assert_null(driver_lacking("e1000", config));
	assert_null(driver_lacking("e1000-82545em", config));
	assert_null(driver_lacking("rtl8139", config));
	assert_null(driver_lacking("vmxnet3", config));
	assert_null(driver_lacking("no-such-card", config));
	assert_string_equal(driver_lacking("e1000e", config), "CONFIG_E1000E");
	assert_string_equal(driver_lacking("i82559er", config), "CONFIG_E100");
	assert_string_equal(driver_lacking("virtio-net-pci", config),
			    "CONFIG_VIRTIO_NET");
}

static void assert_refusal(const struct guest *guest, const char *said,
			   const char *expected)
{
	_cleanup_free_ char *text = refusal_text(guest, said);

	if (expected)
		assert_string_equal(text, expected);
	else
		assert_null(text);
}

/* What QEMU 7.2 writes. */
static void refusals_name_the_key(void **state)
{
	struct nic card = {.model = "igb"};
	const struct guest guest = {.memory = 1ull << 40,
				    .cpu = "foo",
				    .qemu = (char *[]){"-device", "bar", NULL},
				    .nics = &card,
				    .n_nics = 1};

	(void)state;
	assert_refusal(&guest, "qemu-system-x86_64: unable to find CPU model 'foo'",
		       "cpu: foo: QEMU knows no such CPU; 'qemu-system-x86_64 -cpu help' "
		       "lists those it knows");
	assert_refusal(
		&guest,
		"qemu-system-x86_64: cannot set up guest memory 'pc.ram': Cannot "
		"allocate memory",
		"memory: 1048576M: this machine can't give a guest so much memory");
	assert_refusal(
		&guest,
		"qemu-system-x86_64: -device driver=igb,netdev=net0: 'igb' is not a "
		"valid device model name",
		"model: igb: this QEMU has no such card");
	assert_refusal(
		&guest,
		"qemu-system-x86_64: -device bar: 'bar' is not a valid device model "
		"name",
		"qemu: -device bar: this QEMU has no such device");
	assert_refusal(&guest, "qemu-system-x86_64: out of luck", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_machine_with_all_its_keys),
		cmocka_unit_test(the_machine_without_keys),
		cmocka_unit_test(qemu_s_arguments_that_netlab_sets),
		cmocka_unit_test(drivers_of_cards),
		cmocka_unit_test(refusals_name_the_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
