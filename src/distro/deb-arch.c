/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "distro/deb-arch.h"

#include <string.h>
#include <sys/utsname.h>

#include "base/alloc.h"
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
