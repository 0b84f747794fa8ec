/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/alloc.h"
#include "base/file.h"
#include "sys/process.h"

/* The memory of the arguments is overwritten, so the title is no longer than they were. Its place is in /proc/self/stat (fields 48 and
 * 49), so main() need not hand argv through all floors. */
int sys_set_title(const char *title)
{
        unsigned long start, end;
        _cleanup_free_ char *text = NULL;

        (void)prctl(PR_SET_NAME, title, 0, 0, 0);
        int r = file_read_at(AT_FDCWD, "/proc/self/stat", 4096, &text, NULL);
        if (r < 0)
                return r;
        char *p = strrchr(text, ')'); /* field 2 may hold anything */
        for (unsigned field = 2; p && field < 48; field++) {
                p = strchr(p, ' ');
                p = p ? p + 1 : NULL;
        }
        if (!p || sscanf(p, "%lu %lu", &start, &end) != 2 || start == 0 || end <= start)
                return -ENODATA;
        char *area = (char *)(uintptr_t)start;
        memset(area, 0, end - start);
        memcpy(area, title, MIN(strlen(title), end - start - 1));
        return 0;
}
