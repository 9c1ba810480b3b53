// SPDX-License-Identifier: GPL-2.0-or-later
#include "image/symbols.h"

#include <elfutils/libdw.h>
#include <errno.h>

#include "image/elf.h"
#include "util/string.h"

#define NEAR_NAMES 4

DEFINE_CLEANUP(Dwarf *, dwarf_end);

struct names {
	char **names;
	size_t n;
	size_t capacity;
};

static void names_deinit(struct names *names)
{
	strv_free(names->names);
}

/* Tens of thousands of them: strv_push() would count anew each time. */
static void names_add(struct names *names, char *owned)
{
	if (names->n + 1 >= names->capacity) {
		names->capacity = 2 * names->capacity + 1024;
		names->names = xreallocarray(names->names, names->capacity,
					     sizeof(*names->names));
	}
	names->names[names->n++] = owned;
	names->names[names->n] = NULL;
}

static int name_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void names_sort(struct names *names)
{
	size_t kept = 0;

	if (names->n)
		qsort(names->names, names->n, sizeof(*names->names), name_compare);
	for (size_t i = 0; i < names->n; i++) {
		if (kept && streq(names->names[kept - 1], names->names[i]))
			free(names->names[i]);
		else
			names->names[kept++] = names->names[i];
	}
	names->n = kept;
	if (names->names)
		names->names[kept] = NULL;
}

static Elf_Scn *symbol_table(Elf *elf, GElf_Shdr *header)
{
	Elf_Scn *section = NULL;

	while ((section = elf_nextscn(elf, section)))
		if (gelf_getshdr(section, header) && header->sh_type == SHT_SYMTAB)
			return section;
	return NULL;
}

/* foo.isra.0, foo.constprop.0, foo.part.0 and foo.cold are foo. */
static void add_function(struct names *names, const char *symbol)
{
	size_t length = symbol ? strcspn(symbol, ".") : 0;

	if (length)
		names_add(names, xstrndup(symbol, length));
}

static void add_functions(struct names *names, Elf *elf, Elf_Data *data,
			  const GElf_Shdr *table)
{
	size_t n = table->sh_entsize ? data->d_size / table->sh_entsize : 0;
	GElf_Sym symbol;

	for (size_t i = 0; i < n && gelf_getsym(data, i, &symbol); i++)
		if (GELF_ST_TYPE(symbol.st_info) == STT_FUNC &&
		    symbol.st_shndx != SHN_UNDEF)
			add_function(names,
				     elf_strptr(elf, table->sh_link, symbol.st_name));
}

struct error *symbols_functions(const char *vmlinux, char ***functions)
{
	_cleanup_elf_ struct elf_file file = ELF_FILE_INIT;
	_cleanup_(names_deinit) struct names names = {0};
	Elf_Scn *section;
	GElf_Shdr header;
	Elf_Data *data;

	try(elf_file_open(&file, vmlinux));
	section = symbol_table(file.elf, &header);
	data = section ? elf_getdata(section, NULL) : NULL;
	if (!data)
		return error_new(ENOEXEC, "%s has no symbols", vmlinux);
	add_functions(&names, file.elf, data, &header);
	names_sort(&names);
	*functions = steal_ptr(names.names);
	return NULL;
}

struct wanted {
	const char *name;
	bool found;
};

static int match_inlined(Dwarf_Die *function, void *userdata)
{
	struct wanted *wanted = userdata;
	const char *name = dwarf_diename(function);

	wanted->found = name && streq(name, wanted->name) && dwarf_func_inline(function);
	return wanted->found ? DWARF_CB_ABORT : DWARF_CB_OK;
}

/* A function that was inlined everywhere: gdb can stop at it, but there is no symbol. */
static struct error *is_inlined(const char *vmlinux, const char *name, bool *found)
{
	_cleanup_elf_ struct elf_file file = ELF_FILE_INIT;
	_cleanup_(dwarf_endp) Dwarf *dwarf = NULL;
	struct wanted wanted = {name, false};
	Dwarf_CU *unit = NULL;
	Dwarf_Die die;

	try(elf_file_open(&file, vmlinux));
	dwarf = dwarf_begin_elf(file.elf, DWARF_C_READ, NULL);
	while (dwarf && !wanted.found &&
	       dwarf_get_units(dwarf, unit, &unit, NULL, NULL, &die, NULL) == 0)
		dwarf_getfuncs(&die, match_inlined, &wanted, 0);
	*found = wanted.found;
	return NULL;
}

static struct error *no_function(const char *vmlinux, const char *name,
				 char *const *functions)
{
	_cleanup_strv_ char **near = near_names(name, functions, NEAR_NAMES);
	_cleanup_free_ char *list = strv_join(near, ", ");
	struct error *error = error_new(ENOENT, "%s has no function '%s'", vmlinux, name);

	return near ? error_hint(error, "did you mean %s?", list) : error;
}

struct error *symbols_check_function(const char *vmlinux, const char *name)
{
	_cleanup_strv_ char **functions = NULL;
	bool found = false;

	try(symbols_functions(vmlinux, &functions));
	if (strv_contains(functions, name))
		return NULL;
	try(is_inlined(vmlinux, name, &found));
	return found ? NULL : no_function(vmlinux, name, functions);
}
