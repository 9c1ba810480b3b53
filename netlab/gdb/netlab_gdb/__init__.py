# SPDX-License-Identifier: GPL-2.0-or-later
"""What netlab teaches gdb about a Linux guest. Loaded by ../netlab.py inside gdb."""
