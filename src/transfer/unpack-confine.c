/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "transfer/unpack-confine.h"

#include <errno.h>
#include <grp.h>
#include <iconv.h>
#include <linux/capability.h>
#include <locale.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys/mount.h"
#include "transfer/unpack-seccomp.h"

/* For owners, modes, file capabilities, and to write where the mode forbids it. Refused: MKNOD (makes no devices in a
 * user namespace anyhow), SYS_ADMIN, SYS_CHROOT and all others. */
static const unsigned kept_capabilities[] = {CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_FSETID, CAP_SETFCAP};

/* Enough for the largest windows that xz, zstd and lz4 ask for in packages, and the report. */
#define DATA_LIMIT (2ULL * 1024 * 1024 * 1024)

static bool is_kept(unsigned cap)
{
        for (size_t i = 0; i < ELEMENTSOF(kept_capabilities); i++)
                if (kept_capabilities[i] == cap)
                        return true;
        return false;
}

static int drop_capabilities(void)
{
        struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
        struct __user_cap_data_struct data[2] = {};

        for (unsigned cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
                if (!is_kept(cap) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
                        return -errno;
        for (size_t i = 0; i < ELEMENTSOF(kept_capabilities); i++) {
                unsigned cap = kept_capabilities[i];
                data[cap / 32].effective |= 1U << cap % 32;
                data[cap / 32].permitted |= 1U << cap % 32;
        }
        return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

static int become_root(void)
{
        if (setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
                return -errno;
        return 0;
}

static int enter_tree(int mount)
{
        int r = sys_mount_attach(mount, -1, "/"); /* over the old root, so that no directory is needed */

        return r < 0 ? r : sys_pivot_root(mount);
}

/* What would otherwise be loaded later, from the tree: UTF-8, so that names in pax headers come out as they went in, and
 * iconv's modules. */
static int load_locale(void)
{
        if (!setlocale(LC_CTYPE, "C.UTF-8"))
                (void)setlocale(LC_CTYPE, "C"); /* names in GNU and ustar archives are bytes in any locale */
        iconv_t cd = iconv_open("UTF-8", "UTF-8");
        if (cd != (iconv_t)-1)
                (void)iconv_close(cd);
        return 0;
}

static int limit_resources(void)
{
        struct rlimit core = {0, 0};

        if (setrlimit(RLIMIT_CORE, &core) < 0)
                return -errno;
#ifndef UNPACK_SANITIZED /* whose shadow memory is larger than any limit */
        struct rlimit data = {DATA_LIMIT, DATA_LIMIT};
        if (sizeof(data.rlim_cur) >= sizeof(uint64_t) && setrlimit(RLIMIT_DATA, &data) < 0)
                return -errno;
#endif
        return 0;
}

/* After the changes of IDs and capabilities, which clear the parent-death signal. Should the parent die before this
 * line, its socket is closed and the worker ends at the next message. */
static int lock_down(void)
{
        if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                return -errno;
        return unpack_seccomp_apply();
}

int unpack_confine(int tree_mount, Error *e)
{
        int r = load_locale();

        umask(0);
        if (r >= 0)
                r = become_root();
        if (r < 0)
                return error_sys(e, r, "unpack worker: cannot become root of its user namespace");
        r = enter_tree(tree_mount);
        if (r < 0)
                return error_sys(e, r, "unpack worker: cannot enter the new root");
        r = limit_resources();
        if (r >= 0)
                r = drop_capabilities();
        if (r < 0)
                return error_sys(e, r, "unpack worker: cannot drop capabilities");
        r = lock_down();
        if (r < 0)
                return error_sys(e, r, "unpack worker: cannot install its system call filter");
        return 0;
}
