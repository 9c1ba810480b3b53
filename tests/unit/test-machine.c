// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "util/string.h"
#include "vm/machine.h"
#include "vm/tsc.h"

static const struct machine_nic cards[] = {
	{.model = "e1000", .mac = {0x52, 0x54, 0, 0xab, 0xcd, 1}, .tap = 14},
	{.model = "virtio-net-pci", .mac = {0x52, 0x54, 0, 0xab, 0xcd, 2}, .tap = 15},
};

static const struct machine whole = {
	.name = "netlab:demo/server",
	.kernel = "/k/vmlinux",
	.initrd = "/k/initrd.cpio",
	.append = "console=ttyS0 panic=0",
	.board = "q35",
	.cpu = "max",
	.memory = 256 << 20,
	.cpus = 2,
	.accel = ACCEL_TCG,
	.tsc_khz = 2596118,
	.shared = "/",
	.disk = "/d,1.ext4",
	.nics = cards,
	.n_nics = 2,
	.serial = 10,
	.qmp = 11,
	.agent = 12,
	.gdb = 13,
	.further = (char *[]){"-device", "virtio-rng-pci", NULL},
	.freeze = true,
};

static const struct machine bare = {
	.name = "n",
	.kernel = "v",
	.initrd = "i",
	.append = "",
	.board = "pc",
	.cpu = "qemu64,+ssse3",
	.memory = 64 << 20,
	.cpus = 1,
	.accel = ACCEL_KVM,
	.tsc_khz = 2596118,
	.serial = -1,
	.qmp = -1,
	.agent = -1,
	.gdb = -1,
};

static void assert_argv(const struct machine *machine, const char *const *expected)
{
	_cleanup_strv_ char **argv = machine_argv(machine);
	size_t i = 0;

	for (; argv[i] && expected[i]; i++)
		assert_string_equal(argv[i], expected[i]);
	assert_null(argv[i]);
	assert_null(expected[i]);
}

static void a_whole_machine(void **state)
{
	static const char *const expected[] = {
		"qemu-system-x86_64",
		"-name",
		"guest=netlab:demo/server,process=netlab:demo/server",
		"-machine",
		"q35,sata=off,smbus=off,usb=off,vmport=off,i8042=off",
		"-accel",
		"tcg",
		"-cpu",
		"max",
		"-m",
		"size=268435456B",
		"-smp",
		"2",
		"-nodefaults",
		"-no-user-config",
		"-display",
		"none",
		"-no-reboot",
		"-rtc",
		"base=utc,clock=vm",
		"-bios",
		"qboot.rom",
		"-kernel",
		"/k/vmlinux",
		"-initrd",
		"/k/initrd.cpio",
		"-append",
		"tsc_early_khz=2596118 console=ttyS0 panic=0",
		"-chardev",
		"socket,id=serial,fd=10",
		"-serial",
		"chardev:serial",
		"-chardev",
		"socket,id=qmp,fd=11",
		"-mon",
		"chardev=qmp,mode=control",
		"-chardev",
		"socket,id=agent,fd=12",
		"-device",
		"virtio-serial-pci,max_ports=2",
		"-device",
		"virtserialport,chardev=agent,name=org.netlab.agent",
		"-chardev",
		"socket,id=gdb,fd=13,server=on,wait=off",
		"-gdb",
		"chardev:gdb",
		"-fsdev",
		"local,id=shared,path=/,security_model=none,readonly=on,multidevs=remap",
		"-device",
		"virtio-9p-pci,fsdev=shared,mount_tag=host",
		"-drive",
		"if=none,id=disk,file=/d,,1.ext4,format=raw,snapshot=on,werror=report",
		"-device",
		"virtio-blk-pci,drive=disk",
		"-netdev",
		"tap,id=net0,fd=14",
		"-device",
		"driver=e1000,netdev=net0,mac=52:54:00:ab:cd:01,romfile=,"
		"autonegotiation=off",
		"-netdev",
		"tap,id=net1,fd=15",
		"-device",
		"driver=virtio-net-pci,netdev=net1,mac=52:54:00:ab:cd:02,romfile=",
		"-S",
		"-device",
		"virtio-rng-pci",
		NULL,
	};

	(void)state;
	assert_argv(&whole, expected);
}

static void a_bare_machine(void **state)
{
	static const char *const expected[] = {
		"qemu-system-x86_64",
		"-name",
		"guest=n,process=n",
		"-machine",
		"pc,sata=off,smbus=off,usb=off,vmport=off,i8042=off",
		"-accel",
		"kvm",
		"-cpu",
		"qemu64,+ssse3",
		"-m",
		"size=67108864B",
		"-smp",
		"1",
		"-nodefaults",
		"-no-user-config",
		"-display",
		"none",
		"-no-reboot",
		"-rtc",
		"base=utc,clock=vm",
		"-bios",
		"qboot.rom",
		"-kernel",
		"v",
		"-initrd",
		"i",
		"-append",
		"",
		NULL,
	};

	(void)state;
	assert_argv(&bare, expected);
}

static bool has_value(const struct machine *machine, const char *option,
		      const char *value)
{
	_cleanup_strv_ char **argv = machine_argv(machine);

	for (size_t i = 0; argv[i] && argv[i + 1]; i++)
		if (streq(argv[i], option) && streq(argv[i + 1], value))
			return true;
	return false;
}

static void hostile_names_stay_values(void **state)
{
	const struct machine_nic card = {.model = "{e1000,bus=x", .tap = 9};
	struct machine machine = bare;

	(void)state;
	machine.name = "a,debug-threads=on b";
	machine.kernel = "/tmp/my kernels, old/vmlinux";
	machine.initrd = "/tmp/a,b/initrd";
	machine.append = "a=b,c -S";
	machine.shared = "/srv/a,readonly=off";
	machine.nics = &card;
	machine.n_nics = 1;
	assert_true(has_value(&machine, "-name",
			      "guest=a,,debug-threads=on b,"
			      "process=a,,debug-threads=on b"));
	assert_true(has_value(&machine, "-kernel", "/tmp/my kernels, old/vmlinux"));
	assert_true(has_value(&machine, "-initrd", "/tmp/a,b/initrd"));
	assert_true(has_value(&machine, "-append", "a=b,c -S"));
	assert_true(has_value(&machine, "-fsdev",
			      "local,id=shared,path=/srv/a,,readonly=off,"
			      "security_model=none,readonly=on,multidevs=remap"));
	assert_true(has_value(&machine, "-device",
			      "driver={e1000,,bus=x,netdev=net0,mac=00:00:00:00:00:00,"
			      "romfile="));
}

static void the_clock_is_told_under_tcg_only(void **state)
{
	struct machine machine = whole;

	(void)state;
	machine.append = "";
	assert_true(has_value(&machine, "-append", "tsc_early_khz=2596118"));
	machine.tsc_khz = 0;
	assert_true(has_value(&machine, "-append", ""));
	machine.tsc_khz = 1;
	machine.accel = ACCEL_KVM;
	assert_true(has_value(&machine, "-append", ""));
}

/* Of a script: no descriptor is handed on. */
static void sockets_of_its_own(void **state)
{
	const struct machine_nic card = {.model = "e1000", .tap = -1, .link = "a,b"};
	struct machine machine = bare;

	(void)state;
	machine.sockets = "server";
	machine.nics = &card;
	machine.n_nics = 1;
	assert_true(has_value(&machine, "-chardev",
			      "socket,id=serial,path=server.serial,server=on,wait=off,"
			      "logfile=server.console"));
	assert_true(has_value(&machine, "-chardev",
			      "socket,id=gdb,path=server.gdb,server=on,wait=off"));
	assert_true(has_value(&machine, "-gdb", "chardev:gdb"));
	assert_true(has_value(&machine, "-netdev",
			      "tap,id=net0,ifname=a,,b,script=no,downscript=no"));
}

static void descriptors_are_those_of_the_command_line(void **state)
{
	static const int expected[] = {10, 11, 12, 13, 14, 15};
	struct machine machine = whole;
	int fds[6];

	(void)state;
	assert_int_equal(machine_descriptors(&machine, fds), 6);
	assert_memory_equal(fds, expected, sizeof(expected));
	machine.agent = -1;
	machine.n_nics = 0;
	assert_int_equal(machine_descriptors(&machine, fds), 3);
	assert_int_equal(fds[2], 13);
	assert_int_equal(machine_descriptors(&bare, fds), 0);
}

/* It is 0 only where the host can't tell, and else what any x86 of these days runs at. */
static void the_tsc_has_a_sensible_rate(void **state)
{
	unsigned khz = tsc_frequency();

	(void)state;
	if (!khz)
		skip();
	assert_in_range(khz, 500000, 10000000);
	assert_int_equal(tsc_frequency(), khz);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_machine),
		cmocka_unit_test(a_bare_machine),
		cmocka_unit_test(hostile_names_stay_values),
		cmocka_unit_test(the_clock_is_told_under_tcg_only),
		cmocka_unit_test(sockets_of_its_own),
		cmocka_unit_test(descriptors_are_those_of_the_command_line),
		cmocka_unit_test(the_tsc_has_a_sensible_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
