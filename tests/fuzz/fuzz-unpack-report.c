/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What an unpack worker, perhaps one that an archive has taken over, tells its parent. */

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "transfer/unpack-result.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        UnpackResult u = {0};

        if (unpack_report_parse((const char *)data, size, &u) < 0)
                return 0;
        for (size_t i = 0; i < u.n_control; i++)
                if (strchr(u.control[i].name, '/') || u.control[i].mode > 07777)
                        abort();
        unpack_result_done(&u);
        return 0;
}
