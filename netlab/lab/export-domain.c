// SPDX-License-Identifier: GPL-2.0-or-later
/* A guest as a domain of libvirt (9.0): https://libvirt.org/formatdomain.html. */
#include <stdarg.h>

#include "lab/cmdline.h"
#include "lab/export.h"
#include "util/buffer.h"
#include "util/string.h"

__attribute__((format(printf, 2, 3))) static void put(struct buffer *out,
						      const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list args;

	va_start(args, format);
	text = xvasprintf(format, args);
	va_end(args);
	buffer_append(out, text, strlen(text));
}

static void put_escaped(struct buffer *out, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			put(out, "&amp;");
			break;
		case '<':
			put(out, "&lt;");
			break;
		case '>':
			put(out, "&gt;");
			break;
		case '\'':
			put(out, "&apos;");
			break;
		default:
			buffer_append(out, text, 1);
		}
	}
}

static void put_element(struct buffer *out, const char *indent, const char *name,
			const char *text)
{
	put(out, "%s<%s>", indent, name);
	put_escaped(out, text);
	put(out, "</%s>\n", name);
}

static void put_argument(struct buffer *out, const char *value)
{
	put(out, "    <qemu:arg value='");
	put_escaped(out, value);
	put(out, "'/>\n");
}

/* "qemu64,+aes,-sse3": a model and its features, as libvirt has them apart. */
static void put_model(struct buffer *out, const char *cpu)
{
	_cleanup_free_ char *copy = xstrdup(cpu);
	char *rest = copy, *word = strsep(&rest, ",");

	put(out, "  <cpu mode='custom' match='exact' check='none'>\n");
	put_element(out, "    ", "model", word);
	while ((word = strsep(&rest, ","))) {
		bool off = *word == '-';

		put(out, "    <feature policy='%s' name='", off ? "disable" : "require");
		put_escaped(out, word + (off || *word == '+'));
		put(out, "'/>\n");
	}
	put(out, "  </cpu>\n");
}

static void put_cpu(struct buffer *out, const char *cpu)
{
	if (streq(cpu, "max"))
		put(out, "  <cpu mode='maximum'/>\n");
	else if (streq(cpu, "host"))
		put(out, "  <cpu mode='host-passthrough'/>\n");
	else
		put_model(out, cpu);
}

static void put_nic(struct buffer *out, const struct nic *nic)
{
	char mac[MAC_TEXT_SIZE];

	put(out, "    <interface type='ethernet'>\n      <mac address='%s'/>\n",
	    mac_format(nic->mac, mac));
	put(out, "      <target dev='");
	put_escaped(out, nic->tap);
	put(out, "' managed='no'/>\n      <model type='%s'/>\n    </interface>\n",
	    streq(nic->model, "virtio-net-pci") ? "virtio" : nic->model);
}

static void put_shared(struct buffer *out, const char *folder)
{
	put(out, "    <filesystem type='mount' accessmode='passthrough' "
		 "multidevs='remap'>\n"
		 "      <source dir='");
	put_escaped(out, folder);
	put(out, "'/>\n"
		 "      <target dir='" MACHINE_SHARED_TAG "'/>\n"
		 "      <readonly/>\n    </filesystem>\n");
}

static const char *access_element(enum disk_access access)
{
	switch (access) {
	case DISK_OVERLAY:
		return "      <transient/>\n";
	case DISK_WRITE:
		return "";
	case DISK_READ_ONLY:
		return "      <readonly/>\n";
	}
	return NULL;
}

static void put_disk(struct buffer *out, const struct machine *machine)
{
	put(out,
	    "    <disk type='file' device='disk'>\n"
	    "      <driver name='qemu' type='%s'/>\n      <source file='",
	    machine->disk_is_qcow2 ? "qcow2" : "raw");
	put_escaped(out, machine->disk);
	put(out, "'/>\n      <target dev='vda' bus='virtio'/>\n%s    </disk>\n",
	    access_element(machine->disk_access));
}

static void put_devices(struct buffer *out, const struct guest *guest,
			const struct machine *machine)
{
	put(out, "  <devices>\n"
		 "    <emulator>/usr/bin/qemu-system-x86_64</emulator>\n"
		 "    <controller type='usb' model='none'/>\n");
	for (size_t i = 0; i < guest->n_nics; i++)
		put_nic(out, &guest->nics[i]);
	put(out, "    <serial type='pty'/>\n"
		 "    <console type='pty'/>\n"
		 "    <channel type='unix'>\n"
		 "      <target type='virtio' name='" MACHINE_AGENT_PORT "'/>\n"
		 "    </channel>\n");
	if (machine->shared)
		put_shared(out, machine->shared);
	if (machine->disk)
		put_disk(out, machine);
	put(out, "    <memballoon model='none'/>\n  </devices>\n");
}

static void put_arguments(struct buffer *out, const struct guest *guest, const char *gdb)
{
	_cleanup_free_ char *server = xasprintf("unix:%s,server=on,wait=off", gdb);

	put(out, "  <qemu:commandline>\n");
	put_argument(out, "-gdb");
	put_argument(out, server);
	strv_foreach (word, guest->qemu)
		put_argument(out, *word);
	put(out, "  </qemu:commandline>\n");
}

static void put_boot(struct buffer *out, const struct machine *machine,
		     const char *append)
{
	put(out, "  <os>\n    <type arch='x86_64' machine='%s'>hvm</type>\n",
	    machine->board);
	put_element(out, "    ", "kernel", machine->kernel);
	put_element(out, "    ", "initrd", machine->initrd);
	put_element(out, "    ", "cmdline", append);
	put(out, "  </os>\n");
}

struct error *export_domain(const struct export *export, size_t i, const char *gdb,
			    char **xml)
{
	const struct guest *guest = &export->topology->guests[i];
	_cleanup_free_ char *append = NULL;
	_cleanup_buffer_ struct buffer out = {0};
	struct machine machine;

	try(cmdline_build(guest, false, &append));
	machine_of(guest, export->kernels[i], &export->images[i], &machine);
	put(&out,
	    "<domain type='%s' "
	    "xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>\n",
	    export->accel == ACCEL_KVM ? "kvm" : "qemu");
	put(&out, "  <name>%s.%s</name>\n", export->lab, guest->name);
	put(&out, "  <memory unit='b'>%llu</memory>\n  <vcpu>%u</vcpu>\n",
	    (unsigned long long)machine.memory, machine.cpus);
	put_boot(&out, &machine, append);
	put(&out, "  <features>\n    <acpi/>\n    <apic/>\n  </features>\n");
	put_cpu(&out, machine.cpu);
	put(&out, "  <clock offset='utc'/>\n  <on_reboot>destroy</on_reboot>\n");
	put_devices(&out, guest, &machine);
	put_arguments(&out, guest, gdb);
	put(&out, "</domain>\n");
	buffer_append(&out, "", 1);
	*xml = (char *)steal_ptr(out.data);
	return NULL;
}
