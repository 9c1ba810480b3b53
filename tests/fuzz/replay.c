// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Feeds every file of a folder to a fuzzer's entry point, so that a corpus is a test with any
 * compiler. libFuzzer brings a main() of its own, in place of this one.
 */
#include <errno.h>
#include <stdint.h>

#include "fuzz.h"
#include "util/file.h"
#include "util/string.h"

#define SIZE_LIMIT (64u << 20) /* bytes of one input */

static struct error *replay_file(const char *path)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ uint8_t *exact = NULL;
	size_t size;

	try(file_read(path, SIZE_LIMIT, &text, &size));
	exact = xcalloc(size, 1); /* no byte behind the end, for the sanitizers to see */
	memcpy(exact, text, size);
	printf("%s: %zu bytes\n", path, size);
	fflush(stdout);
	LLVMFuzzerTestOneInput(exact, size);
	return NULL;
}

static struct error *replay_folder(const char *path)
{
	_cleanup_closedir_ DIR *folder = opendir(path);
	size_t n = 0;

	if (!folder)
		return error_errno(errno, "%s", path);
	for (struct dirent *entry; (entry = readdir(folder)); n++) {
		_cleanup_free_ char *file = xasprintf("%s/%s", path, entry->d_name);

		if (entry->d_name[0] != '.')
			try(replay_file(file));
	}
	return n > 2 ? NULL : error_new(ENOENT, "%s: no corpus", path);
}

int main(int argc, char **argv)
{
	_cleanup_error_ struct error *error = NULL;

	if (argc != 2)
		return fprintf(stderr, "Usage: %s CORPUS-FOLDER\n", argv[0]), 2;
	error = replay_folder(argv[1]);
	if (error)
		return fprintf(stderr, "%s\n", error->message), 1;
	return 0;
}
