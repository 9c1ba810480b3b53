/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an ELF file is (elfutils): every file is hostile until read. */
#ifndef NETLAB_IMAGE_ELF_H
#define NETLAB_IMAGE_ELF_H

#include <gelf.h>
#include <stdbool.h>

#include "util/error.h"

struct elf_file {
	int fd;
	Elf *elf;
};

#define ELF_FILE_INIT    \
	{                \
		.fd = -1 \
	}

/** elf_file_open() - ENOEXEC where @path is no ELF file. */
must_use struct error *elf_file_open(struct elf_file *file, const char *path);
void elf_file_close(struct elf_file *file);
#define _cleanup_elf_ _cleanup_(elf_file_close)

/** elf_build_id() - its GNU build ID in hexadecimal, a new string; NULL where it has none. */
must_use struct error *elf_build_id(const char *path, char **build_id);

/** elf_build_id_in() - as elf_build_id(), of a file in memory; NULL also where it is none. */
char *elf_build_id_in(void *data, size_t size);

/** elf_has_section() - has it a section of that name, as ".debug_info"? */
must_use struct error *elf_has_section(const char *path, const char *name, bool *has);

/** elf_has_symbol() - has its symbol table one of that name? A stripped file has none. */
must_use struct error *elf_has_symbol(const char *path, const char *name, bool *has);

/**
 * elf_has_pvh_entry() - can QEMU start this kernel by itself?
 *
 * It finds the entry in the note XEN_ELFNOTE_PHYS32_ENTRY (CONFIG_PVH).
 * Return: an error where it is no ELF file for x86-64.
 */
must_use struct error *elf_has_pvh_entry(const char *path, bool *has);

/** elf_check_static() - is it an x86-64 program that needs no dynamic linker? */
must_use struct error *elf_check_static(const char *path);

#endif
