/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The frame of a .deb: no bytes make the scanner want or report what lies outside the file. */

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "transfer/deb.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_member(DebMember m, size_t size)
{
        if (m.offset > size || m.size > size - m.offset)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        DebScan s;

        deb_scan_init(&s, size);
        for (uint32_t want; (want = deb_scan_want(&s)) > 0;) {
                uint64_t left = s.pos < size ? size - s.pos : 0;
                uint32_t len = left < want ? (uint32_t)left : want;

                if (want > DEB_WANT_MAX)
                        abort();
                if (deb_scan_give(&s, (const char *)data + (left > 0 ? s.pos : 0), len, NULL) < 0)
                        return 0;
        }
        check_member(s.control, size);
        check_member(s.data, size);
        return 0;
}
