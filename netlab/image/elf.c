// SPDX-License-Identifier: GPL-2.0-or-later
#include "image/elf.h"

#include <elfutils/libdwelf.h>
#include <errno.h>
#include <fcntl.h>

#include "util/string.h"

#define XEN_ELFNOTE_PHYS32_ENTRY 18 /* xen/interface/elfnote.h */

void elf_file_close(struct elf_file *file)
{
	elf_end(file->elf);
	close_fd(&file->fd);
}

struct error *elf_file_open(struct elf_file *file, const char *path)
{
	elf_version(EV_CURRENT);
	file->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (file->fd < 0)
		return error_errno(errno, "%s", path);
	file->elf = elf_begin(file->fd, ELF_C_READ_MMAP, NULL);
	if (!file->elf || elf_kind(file->elf) != ELF_K_ELF)
		return error_new(ENOEXEC, "%s is no ELF file", path);
	return NULL;
}

static struct error *check_x86_64(Elf *elf, const char *path)
{
	GElf_Ehdr header;

	if (!gelf_getehdr(elf, &header) || header.e_machine != EM_X86_64 ||
	    gelf_getclass(elf) != ELFCLASS64)
		return error_new(ENOEXEC, "%s is not for x86-64", path);
	return NULL;
}

static char *build_id_of(Elf *elf)
{
	const void *found;
	ssize_t size = dwelf_elf_gnu_build_id(elf, &found);
	const uint8_t *id = found;
	char *text;

	if (size <= 0)
		return NULL;
	text = xcalloc(2 * size + 1, 1);
	for (ssize_t i = 0; i < size; i++)
		sprintf(text + 2 * i, "%02x", id[i]);
	return text;
}

struct error *elf_build_id(const char *path, char **build_id)
{
	_cleanup_elf_ struct elf_file file = ELF_FILE_INIT;

	try(elf_file_open(&file, path));
	*build_id = build_id_of(file.elf);
	return NULL;
}

char *elf_build_id_in(void *data, size_t size)
{
	Elf *elf;
	char *id;

	elf_version(EV_CURRENT);
	elf = size ? elf_memory(data, size) : NULL;
	id = elf && elf_kind(elf) == ELF_K_ELF ? build_id_of(elf) : NULL;
	elf_end(elf);
	return id;
}

static const char *section_name(Elf *elf, Elf_Scn *section)
{
	GElf_Shdr header;
	size_t names;

	if (elf_getshdrstrndx(elf, &names) < 0 || !gelf_getshdr(section, &header))
		return "";
	return elf_strptr(elf, names, header.sh_name) ?: "";
}

struct error *elf_has_section(const char *path, const char *name, bool *has)
{
	_cleanup_elf_ struct elf_file file = ELF_FILE_INIT;
	Elf_Scn *section = NULL;

	*has = false;
	try(elf_file_open(&file, path));
	while ((section = elf_nextscn(file.elf, section)))
		*has |= streq(section_name(file.elf, section), name);
	return NULL;
}

static bool has_pvh_note(Elf_Data *data)
{
	size_t offset = 0, next, name, description;
	GElf_Nhdr note;

	while ((next = gelf_getnote(data, offset, &note, &name, &description)) > 0) {
		if (note.n_type == XEN_ELFNOTE_PHYS32_ENTRY && note.n_namesz == 4 &&
		    memcmp((char *)data->d_buf + name, "Xen", 4) == 0)
			return true;
		offset = next;
	}
	return false;
}

static bool is_pvh(Elf *elf)
{
	size_t n = 0;

	elf_getphdrnum(elf, &n);
	for (size_t i = 0; i < n; i++) {
		GElf_Phdr header;
		Elf_Data *data;

		if (!gelf_getphdr(elf, i, &header) || header.p_type != PT_NOTE)
			continue;
		data = elf_getdata_rawchunk(elf, header.p_offset, header.p_filesz,
					    ELF_T_NHDR);
		if (data && has_pvh_note(data))
			return true;
	}
	return false;
}

struct error *elf_has_pvh_entry(const char *path, bool *has)
{
	_cleanup_elf_ struct elf_file file = ELF_FILE_INIT;

	try(elf_file_open(&file, path));
	try(check_x86_64(file.elf, path));
	*has = is_pvh(file.elf);
	return NULL;
}

static bool names_symbol(Elf *elf, Elf_Scn *section, const GElf_Shdr *header,
			 const char *name)
{
	Elf_Data *data = elf_getdata(section, NULL);
	GElf_Sym symbol;

	for (int i = 0; data && gelf_getsym(data, i, &symbol); i++)
		if (streq(elf_strptr(elf, header->sh_link, symbol.st_name) ?: "", name))
			return true;
	return false;
}

struct error *elf_has_symbol(const char *path, const char *name, bool *has)
{
	_cleanup_elf_ struct elf_file file = ELF_FILE_INIT;
	Elf_Scn *section = NULL;
	GElf_Shdr header;

	*has = false;
	try(elf_file_open(&file, path));
	while (!*has && (section = elf_nextscn(file.elf, section)))
		if (gelf_getshdr(section, &header) && header.sh_type == SHT_SYMTAB)
			*has = names_symbol(file.elf, section, &header, name);
	return NULL;
}

struct error *elf_check_static(const char *path)
{
	_cleanup_elf_ struct elf_file file = ELF_FILE_INIT;
	GElf_Phdr header;
	size_t n = 0;

	try(elf_file_open(&file, path));
	try(check_x86_64(file.elf, path));
	elf_getphdrnum(file.elf, &n);
	for (size_t i = 0; i < n; i++)
		if (gelf_getphdr(file.elf, i, &header) && header.p_type == PT_INTERP)
			return error_new(ENOEXEC, "%s is not a static program", path);
	return NULL;
}
