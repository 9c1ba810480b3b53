// SPDX-License-Identifier: GPL-2.0-or-later
#include "debug/editor.h"

#include <ctype.h>

#include "util/buffer.h"
#include "util/file.h"
#include "util/lines.h"
#include "util/paths.h"
#include "util/string.h"

/* What gdb's `target remote` takes for its other end; its shell runs it. */
static char *pipe_address(const struct editor *editor)
{
	char *words[] = {(char *)editor->netlab, "gdb", "--stdio", (char *)editor->node,
			 NULL};
	_cleanup_free_ char *line = shell_quote(words);

	return xasprintf("| %s", line);
}

/* gdb commands that load what netlab teaches it. NULL: a path is not UTF-8. */
static char **setup_commands(const struct editor *editor)
{
	_cleanup_free_ char *options = gdb_python_options(editor->debug);
	_cleanup_free_ char *script = path_data("gdb/netlab.py");
	char **commands = NULL;

	if (!options)
		return NULL;
	strv_pushf(&commands, "add-auto-load-safe-path %s",
		   editor->debug->kernel_directory);
	strv_pushf(&commands, "python netlab_options = %s", options);
	strv_pushf(&commands, "source %s", script);
	return commands;
}

/* The same for a gdb that has read the symbols before: the kernel's own commands have to be
 * loaded by name, since the path was made a safe one too late for them. */
static char **late_commands(const struct editor *editor)
{
	_cleanup_free_ char *own =
		xasprintf("%s/vmlinux-gdb.py", editor->debug->kernel_directory);
	char **commands = setup_commands(editor);

	if (commands && file_exists(own))
		strv_pushf(&commands, "source %s", own);
	return commands;
}

/* --- Visual Studio Code ------------------------------------------------------------------- */

static json_t *vscode_commands(char *const *commands)
{
	json_t *array = json_array();

	strv_foreach (command, commands)
		json_array_append_new(array, json_pack("{s:s}", "text", *command));
	return array;
}

/* The C/C++ extension: MIEngine. */
static json_t *vscode_cppdbg(const struct editor *editor, const char *address)
{
	_cleanup_strv_ char **commands = setup_commands(editor);
	_cleanup_free_ char *name = xasprintf("netlab %s", editor->node);

	return json_pack("{s:s, s:s, s:s, s:s, s:[], s:s, s:s, s:s, s:s, s:b, s:b, s:o}",
			 "name", name, "type", "cppdbg", "request", "launch", "program",
			 editor->debug->vmlinux, "args", "cwd", "${workspaceFolder}",
			 "MIMode", "gdb", "miDebuggerPath", "gdb",
			 "miDebuggerServerAddress", address, "stopAtConnect", true,
			 "externalConsole", false, "setupCommands",
			 vscode_commands(commands));
}

/* The CDT GDB Debug Adapter, which Theia runs, too. */
static json_t *vscode_gdbtarget(const struct editor *editor, const char *address)
{
	_cleanup_strv_ char **commands = late_commands(editor);
	_cleanup_free_ char *name = xasprintf("netlab %s (CDT)", editor->node);
	json_t *array = json_array();

	strv_foreach (command, commands)
		json_array_append_new(array, json_string(*command));
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:{s:s, s:[s]}}", "name",
			 name, "type", "gdbtarget", "request", "attach", "program",
			 editor->debug->vmlinux, "cwd", "${workspaceFolder}", "gdb",
			 "gdb", "preConnectCommands", array, "target", "type", "remote",
			 "parameters", address);
}

char *editor_vscode(const struct editor *editor)
{
	_cleanup_strv_ char **commands = setup_commands(editor);
	_cleanup_free_ char *address = pipe_address(editor);
	_cleanup_json_ json_t *file = NULL;
	_cleanup_free_ char *text = NULL;

	if (!commands)
		return NULL;
	file = json_pack("{s:s, s:[o, o]}", "version", "0.2.0", "configurations",
			 vscode_cppdbg(editor, address),
			 vscode_gdbtarget(editor, address));
	text = file ? json_dumps(file, JSON_INDENT(2)) : NULL;
	return text ? xasprintf("%s\n", text) : NULL;
}

/* --- Eclipse ------------------------------------------------------------------------------ */

static void put(struct buffer *out, const char *text)
{
	buffer_append(out, text, strlen(text));
}

/* As an attribute's value: a newline in it would be read as a blank. */
static void put_xml(struct buffer *out, const char *text)
{
	for (; *text; text++) {
		_cleanup_free_ char *escaped = NULL;

		if (strchr("&<>\"'\n", *text)) {
			escaped = xasprintf("&#%d;", *text);
			put(out, escaped);
		} else {
			buffer_append(out, text, 1);
		}
	}
}

#define JTAG "org.eclipse.cdt.debug.gdbjtag.core."

static void put_attribute(struct buffer *out, const char *kind, const char *key,
			  const char *value)
{
	put(out, "    <");
	put(out, kind);
	put(out, "Attribute key=\"");
	put(out, key);
	put(out, "\" value=\"");
	put_xml(out, value);
	put(out, "\"/>\n");
}

/* CDT takes an URI for the connection, and gives gdb what stands behind "gdb:". */
static char *connection_uri(const char *address)
{
	struct buffer uri = {0};

	put(&uri, "gdb:");
	for (; *address; address++) {
		_cleanup_free_ char *escaped =
			xasprintf("%%%02X", (unsigned char)*address);

		if (isalnum((unsigned char)*address) || strchr("/-_.~", *address))
			buffer_append(&uri, address, 1);
		else
			put(&uri, escaped);
	}
	buffer_append(&uri, "", 1);
	return (char *)uri.data;
}

static void put_switches(struct buffer *out)
{
	static const struct {
		const char *key, *value;
	} switches[] = {
		{JTAG "useRemoteTarget", "true"},
		{JTAG "doReset", "false"},
		{JTAG "doHalt", "false"},
		{JTAG "loadImage", "false"},
		{JTAG "loadSymbols", "true"},
		{JTAG "useFileForSymbols", "true"},
		{JTAG "useProjBinaryForSymbols", "false"},
		{JTAG "useProjBinaryForImage", "false"},
		{JTAG "setPcRegister", "false"},
		{JTAG "setStopAt", "false"},
		{JTAG "setResume", "false"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(switches); i++)
		put_attribute(out, "boolean", switches[i].key, switches[i].value);
}

static char *eclipse_commands(const struct editor *editor)
{
	_cleanup_strv_ char **commands = late_commands(editor);
	struct buffer lines = {0};

	if (!commands)
		return NULL;
	strv_foreach (command, commands) {
		put(&lines, *command);
		put(&lines, "\n");
	}
	buffer_append(&lines, "", 1);
	return (char *)lines.data;
}

char *editor_eclipse(const struct editor *editor)
{
	_cleanup_free_ char *commands = eclipse_commands(editor);
	_cleanup_free_ char *address = pipe_address(editor);
	_cleanup_free_ char *uri = connection_uri(address);
	struct buffer out = {0};

	if (!commands)
		return NULL;
	put(&out, "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?>\n"
		  "<launchConfiguration "
		  "type=\"org.eclipse.cdt.debug.gdbjtag.launchConfigurationType\">\n");
	put_attribute(&out, "string", JTAG "jtagDeviceId",
		      JTAG "jtagdevice.genericDevice");
	put_attribute(&out, "string", JTAG "protocol", "remote"); /* since CDT 10.6 */
	put_attribute(&out, "string", JTAG "connection", uri);
	put_attribute(&out, "string", JTAG "symbolsFileName", editor->debug->vmlinux);
	put_attribute(&out, "string", JTAG "initCommands", commands);
	put_switches(&out);
	put_attribute(&out, "string", "org.eclipse.cdt.dsf.gdb.DEBUG_NAME", "gdb");
	put_attribute(&out, "string", "org.eclipse.cdt.launch.PROGRAM_NAME",
		      editor->debug->vmlinux);
	put(&out, "</launchConfiguration>\n");
	buffer_append(&out, "", 1);
	return (char *)out.data;
}
