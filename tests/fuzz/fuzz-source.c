/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdint.h>

#include "distro/deb-source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const char *const suites[] = {"stable", NULL};
        static const DebDistro distro = {.keyring_prefix = "debian-archive-", .suites = suites};
        DebSources s = {0};

        deb_sources_parse_list((Slice){(const char *)data, size}, &s);
        deb_sources_parse_deb822((Slice){(const char *)data, size}, &s);
        (void)deb_sources_find(&s, &distro, "amd64", true);
        deb_sources_done(&s);
        return 0;
}
