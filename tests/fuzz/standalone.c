/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Feeds the files of the given directories to a fuzz target, so that the corpus is part of every test run, without libFuzzer. */

#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int feed(const char *directory)
{
        _cleanup_closedir_ DIR *d = opendir(directory);
        int fed = 0;

        for (struct dirent *entry; d && (entry = readdir(d));) {
                _cleanup_free_ char *data = NULL;
                size_t len;
                if (entry->d_name[0] == '.' || file_read_at(dirfd(d), entry->d_name, 1 << 20, &data, &len) < 0)
                        continue;
                LLVMFuzzerTestOneInput((const uint8_t *)data, len);
                fed++;
        }
        printf("%s: %d files\n", directory, fed);
        return fed;
}

int main(int argc, char **argv)
{
        int fed = 0;

        for (int i = 1; i < argc; i++)
                fed += feed(argv[i]);
        return fed > 0 ? EXIT_SUCCESS : EXIT_FAILURE; /* an empty corpus proves nothing */
}
