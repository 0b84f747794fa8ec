/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <linux/capability.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* To make files where the caller's own ID has none: below ID-mapped mounts, and as the owner of an overlay's work
 * (Documentation/filesystems/overlayfs.rst, "Permission model"). These are: file-system UID and GID of the owner, and all capabilities, of
 * which setfsuid(2) takes those for files away as soon as the UID is not 0. */
typedef struct SysCredentials {
        uid_t uid;
        gid_t gid;
        struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3];
        int dumpable, death_signal; /* lost by a change of the IDs, see prctl(2) */
        bool switched;
} SysCredentials;

int sys_credentials_switch(SysCredentials *c, uint32_t owner);
void sys_credentials_restore(SysCredentials *c); /* of zeroes: nothing; ends the process when it cannot */
