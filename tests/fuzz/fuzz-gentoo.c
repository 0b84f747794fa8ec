/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "distro/gentoo-dep.h"
#include "distro/gentoo-index.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An index: its entries order without contradiction, and what is read of their dependencies can be read again as it is written. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        GentooIndex index = {0};

        if (gentoo_index_parse((Slice){(const char *)data, size}, &index, NULL) < 0)
                return 0;
        for (size_t i = 0; i < index.packages.n; i++) {
                const GentooPackage *p = &index.packages.items[i];
                GentooDep d = {0}, v = {0}, again = {0};
                Buf b = {0};
                if (gentoo_package_compare(p, p) != 0 ||
                    (i > 0 && (gentoo_package_compare(p, p - 1) > 0) == (gentoo_package_compare(p - 1, p) > 0)))
                        __builtin_trap();
                if (gentoo_dep_parse(p->rdepend, p->eapi, &d, NULL) < 0)
                        continue;
                gentoo_dep_evaluate(&d, p->use, p->eapi, &v);
                gentoo_dep_format(&v, &b);
                if (v.kind == GENTOO_DEP_ALL && b.data && !memmem(b.data, b.len, "|| ( )", 6) &&
                    gentoo_dep_parse((Slice){b.data, b.len}, NULL, &again, NULL) < 0)
                        __builtin_trap();
                buf_done(&b);
                gentoo_dep_done(&d);
                gentoo_dep_done(&v);
                gentoo_dep_done(&again);
        }
        gentoo_index_done(&index);
        return 0;
}
