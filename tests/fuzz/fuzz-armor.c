/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Keyrings in ASCII armor: never more bytes than the armor had. */

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "transfer/armor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        Buf out = {0};
        char *text = malloc(size + 1);

        memcpy(text, data, size);
        text[size] = '\0';
        if (armor_decode(text, &out) >= 0 && out.len > size)
                abort();
        buf_done(&out);
        free(text);
        return 0;
}
