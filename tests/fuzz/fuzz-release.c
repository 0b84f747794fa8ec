/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "distro/deb-release.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        char *text = malloc(size + 1);
        DebRelease r;

        if (!text)
                return 0;
        memcpy(text, data, size);
        text[size] = 0;
        if (deb_release_parse(text, size, &r, NULL) >= 0) {
                (void)deb_release_find(&r, "main/binary-amd64/Packages");
                (void)deb_release_check_time(&r, 1757152800, false, "it", NULL);
                (void)deb_release_check_arch(&r, "amd64", "it", NULL);
                deb_release_done(&r);
        }
        return 0;
}
