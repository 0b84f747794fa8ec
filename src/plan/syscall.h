/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The names of the system calls of the architectures whose programs run here, and of the groups of them; written by tools/seccomp-gen. */
extern const char plan_system_call_names[];
