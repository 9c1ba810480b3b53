/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The user's files, which come in the initramfs and belong into the root, whatever that is. */
#ifndef GUEST_FILES_H
#define GUEST_FILES_H

/**
 * files_place() - move all that is in the folder @from to where it is called the same below @to
 *
 * Folders that are there stay as they are, and so do links to folders; files are replaced.
 * What can't be placed is said with @say. No folder @from: nothing is done.
 */
void files_place(const char *from, const char *to, void (*say)(const char *format, ...));

#endif
