/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdint.h>
#include <stdlib.h>

#include "distro/deb-packages.h"
#include "distro/deb-version.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A package list: whatever it says, every name in it can be looked up and the closure of the first ends. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        DebPackages p = {0};
        Buf b = {0};

        (void)deb_packages_add(&p, (Slice){(const char *)data, size}, 0, "amd64", NULL);
        deb_packages_seal(&p);
        for (size_t i = 0; i < p.records.n; i++) {
                const DebRecord *r = &p.records.items[i], *c = deb_packages_candidate(&p, r->name);
                if (!c || deb_version_compare(c->version, r->version) < 0)
                        __builtin_trap();
        }
        if (p.records.n > 0) {
                char *name = slice_dup(p.records.items[0].name), *roots[] = {name, NULL};
                deb_packages_closure(&p, roots, NULL, &b);
                free(name);
        }
        buf_done(&b);
        deb_packages_done(&p);
        return 0;
}
