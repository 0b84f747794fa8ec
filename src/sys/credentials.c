/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/credentials.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int set_caps(const struct __user_cap_data_struct *caps)
{
        struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};

        return syscall(SYS_capset, &header, caps) < 0 ? -errno : 0;
}

static int set_fs_ids(uid_t uid, gid_t gid)
{
        /* Neither reports an error; asking with an impossible ID tells what is in force. */
        (void)syscall(SYS_setfsgid, gid);
        (void)syscall(SYS_setfsuid, uid);
        if (syscall(SYS_setfsgid, -1) != (long)gid || syscall(SYS_setfsuid, -1) != (long)uid)
                return -EPERM;
        return 0;
}

int sys_credentials_switch(SysCredentials *c, uint32_t owner)
{
        struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};

        c->uid = (uid_t)syscall(SYS_setfsuid, -1);
        c->gid = (gid_t)syscall(SYS_setfsgid, -1);
        if (c->uid == owner && c->gid == owner)
                return 0;
        if (syscall(SYS_capget, &header, c->caps) < 0 || prctl(PR_GET_PDEATHSIG, &c->death_signal) < 0)
                return -errno;
        c->dumpable = prctl(PR_GET_DUMPABLE);
        c->switched = true;
        int r = set_fs_ids(owner, owner);
        return r < 0 ? r : set_caps(c->caps);
}

/* A process that would go on with somebody else's file-system IDs must not go on at all. */
void sys_credentials_restore(SysCredentials *c)
{
        int saved_errno = errno;

        if (!c->switched)
                return;
        if (set_fs_ids(c->uid, c->gid) < 0 || set_caps(c->caps) < 0)
                abort();
        if (c->dumpable == 1)
                (void)prctl(PR_SET_DUMPABLE, 1); /* cannot fail with this value */
        if (c->death_signal > 0 && prctl(PR_SET_PDEATHSIG, c->death_signal) < 0)
                abort();
        errno = saved_errno;
}
