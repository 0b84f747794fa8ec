/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "distro/deb-arch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/str.h"

char *deb_arch_host(void)
{
        static const struct {
                const char *kernel, *debian;
        } rows[] = {
                        {"x86_64", "amd64"},    {"aarch64", "arm64"},       {"i686", "i386"},       {"i586", "i386"},
                        {"armv7l", "armhf"},    {"armv8l", "armhf"},        {"riscv64", "riscv64"}, {"s390x", "s390x"},
                        {"ppc64le", "ppc64el"}, {"loongarch64", "loong64"}, {"mips64", "mips64el"},
        };
        struct utsname u;

        /* A 32-bit program on a 64-bit kernel still runs 64-bit machines. */
        if (uname(&u) < 0)
                return NULL;
        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                if (str_eq(rows[i].kernel, u.machine))
                        return xstrdup(rows[i].debian);
        return NULL;
}

const char *deb_arch_libdir(const char *arch)
{
        static const char *const with_lib64[] = {"amd64", "loong64", "mips64el", "ppc64", "ppc64el", "sparc64"};

        for (size_t i = 0; i < ELEMENTSOF(with_lib64); i++)
                if (str_eq(with_lib64[i], arch))
                        return "lib64";
        return str_eq(arch, "x32") ? "libx32" : "";
}

/* What a kernel runs besides its own, and what others run with qemu's help. */
static const struct {
        const char *arch, *host, *qemu;
} foreign[] = {
                {"i386", "amd64", "qemu-i386"},      {"armhf", "arm64", "qemu-arm"},    {"armel", "arm64", "qemu-arm"},
                {"amd64", NULL, "qemu-x86_64"},      {"arm64", NULL, "qemu-aarch64"},   {"riscv64", NULL, "qemu-riscv64"},
                {"s390x", NULL, "qemu-s390x"},       {"ppc64el", NULL, "qemu-ppc64le"}, {"loong64", NULL, "qemu-loongarch64"},
                {"mips64el", NULL, "qemu-mips64el"}, {"powerpc", NULL, "qemu-ppc"},
};

static bool is_registered(const char *qemu)
{
        _cleanup_free_ char *path = xasprintf("/proc/sys/fs/binfmt_misc/%s", qemu), *text = NULL;

        return file_read_at(AT_FDCWD, path, 4096, &text, NULL) >= 0 && str_startswith(text, "enabled");
}

int deb_arch_check(const char *arch, Error *e)
{
        _cleanup_free_ char *host = deb_arch_host();

        if (!host || str_eq(host, arch))
                return 0;
        for (size_t i = 0; i < ELEMENTSOF(foreign); i++) {
                if (!str_eq(foreign[i].arch, arch))
                        continue;
                if ((foreign[i].host && str_eq(foreign[i].host, host)) || is_registered(foreign[i].qemu))
                        return 0;
                return error_set(e, -ENOEXEC,
                                 "this host (%s) cannot run programs for %s, as package scripts are; install qemu-user-static, "
                                 "which "
                                 "registers '%s' with binfmt_misc",
                                 host, arch, foreign[i].qemu);
        }
        return 0; /* the index knows whether there is such a thing */
}
