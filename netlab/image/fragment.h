/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The flavours of kernels: fragments of options, guest/kernel/FLAVOUR.config. Lines with a label
 * say more: "# with: OTHER…", that it builds on other flavours; "# base: TARGET…", the make
 * targets whose configuration the options go over, where that isn't allnoconfig's; "# optimize:
 * DIRECTORY=LEVEL…", as of topology/optimize.h.
 */
#ifndef NETLAB_IMAGE_FRAGMENT_H
#define NETLAB_IMAGE_FRAGMENT_H

#include "util/error.h"

/**
 * fragment_read() - what options a flavour asks for
 * @flavour: "debug", or several: "O1+modular"
 * @text: a new string: the fragments of the flavours that it builds on, then its own, each once.
 *        What a later line says of an option counts.
 * Return: an error for a flavour that netlab doesn't have, naming those it has.
 */
must_use struct error *fragment_read(const char *flavour, char **text);

/** fragment_words() - the words of the lines "# @label: WORD…" of @text; a new vector, NULL:
 * none. */
char **fragment_words(const char *text, const char *label);

/** fragment_flavours() - the names of all flavours, sorted; a new vector, NULL: none. */
char **fragment_flavours(void);

/** fragment_summary() - what @text says behind 'The "@flavour" flavour:', up to the end of the
 * sentence; a new string, "" where it says nothing. */
char *fragment_summary(const char *flavour, const char *text);

#endif
