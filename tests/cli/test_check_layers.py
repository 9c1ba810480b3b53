# SPDX-License-Identifier: GPL-2.0-or-later
"""tests/check-layers finds what it is there to find, and nothing else."""
import pytest

SPDX = "// SPDX-License-Identifier: GPL-2.0-or-later\n"


@pytest.fixture
def check(source, run, tmp_path):
    """check({path: text}) -> what check-layers says of a tree of these files."""
    def check_tree(files):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return run("/usr/bin/python3", source / "tests/check-layers", tmp_path)
    return check_tree


def test_the_tree_itself_is_clean(source, run):
    assert run("/usr/bin/python3", source / "tests/check-layers").ok().stdout == ""


def test_clean_files(check):
    check({
        "netlab/util/a.c": SPDX + '#include "util/a.h"\n#include "config.h"\n'
                                  '/* printf("system(") */\nchar *s = "exit(1) system(";\n'
                                  'int f(FILE *out)\n{\n\tfprintf(out, "x");\n\t_exit(1);\n}\n',
        "netlab/vm/b.c": SPDX + '#include "link/link.h"\n#include "util/a.h"\n'
                                '#include <stdlib.h>\nint g(struct v *v)\n{\n'
                                '\treturn v->exit(1);\n}\n',
        "netlab/lab/c.c": SPDX + 'const char *in_the_image = "bin/sh";\nvoid k(int log)\n{\n'
                                 '\tdup2(log, STDERR_FILENO);\n\twrite(log, "x", 1);\n}\n',
        "netlab/command/up.c": SPDX + '#include "lab/lab.h"\nvoid h(void)\n{\n\tputs("x");\n}\n',
        "netlab/main.c": SPDX + '#include "command/command.h"\nint main(void)\n{\n'
                                '\tfprintf(stderr, "x");\n\texit(2);\n}\n',
        "guest/init.c": SPDX + 'int main(void)\n{\n\tprintf("x");\n}\n',
    }).ok()


@pytest.mark.parametrize("path, text, what", [
    ("netlab/link/a.c", '#include "lab/lab.h"', "link/ may not include lab/"),
    ("netlab/util/a.h", '#include "topology/plan.h"', "util/ may not include topology/"),
    ("netlab/util/a.c", '#include "a.h"', "relative to netlab/"),
    ("netlab/util/a.c", '#include "elsewhere/a.h"', "elsewhere/ is no layer"),
    ("netlab/extra/a.c", "", "extra/ is no layer"),
    ("netlab/lab/a.c", 'void f(void)\n{\n\tprintf("x");\n}', "prints: printf("),
    ("netlab/lab/a.c", 'void f(void)\n{\n\tfputs("x", stderr);\n}', "prints: stderr"),
    ("netlab/lab/a.c", 'void f(void)\n{\n\tperror("x");\n}', "prints: perror("),
    ("netlab/lab/a.c", 'void f(void)\n{\n\tdprintf(2, "x");\n}', "prints: dprintf(2"),
    ("netlab/lab/a.c", 'void f(void)\n{\n\twrite(STDERR_FILENO, "x", 1);\n}', "prints: write("),
    ("netlab/lab/a.c", "void f(void)\n{\n\texit(1);\n}", "exits: exit("),
    ("netlab/command/a.c", 'void f(void)\n{\n\tsystem("x");\n}', "runs a shell"),
    ("guest/a.c", 'void f(void)\n{\n\tpopen ("x", "r");\n}', "runs a shell"),
    ("netlab/link/a.c", 'char *argv[] = {"ip", "link", NULL};', "names a program"),
    ("netlab/vm/a.c", 'char *argv[] = {"/bin/sh", "-c", NULL};', "names a program"),
    ("netlab/vm/a.c", "\n" * 600, "a file of 60"),
    ("guest/a.c", "int f(void)\n{\n" + "\n" * 81 + "}", "a function of 81 lines: int f(void)"),
])
def test_offences(check, path, text, what):
    result = check({"netlab/util/fine.c": SPDX, path: SPDX + text + "\n"}).exited(1)
    assert what in result.stdout
    assert result.stdout.startswith(path + ":")
    assert result.stdout.count("\n") == 1


@pytest.mark.parametrize("path, text", [
    ("netlab/util/a.c", "int a;\n"),
    ("netlab/gdb/a.py", "pass\n"),
    ("netlab/util/meson.build", "sources += files()\n"),
    ("topologies/a.yaml", "name: a\n"),
    ("tests/tool", "#!/bin/sh\n"),
    ("docs/netlab.1", ".Dd June 1, 2025\n"),
])
def test_every_file_has_its_licence(check, path, text):
    result = check({"netlab/util/fine.c": SPDX, path: text}).exited(1)
    assert f"{path}:1: no SPDX line" in result.stdout


def test_a_tree_without_source_is_an_error(check):
    assert "no source below" in check({"README.md": "x\n"}).exited(1).stderr
