/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/run-written.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "base/str.h"

#define SETTINGS_MAX (1024 * 1024)

char *written_path(const MachineHost *h, const char *name)
{
        return xasprintf("%s/%s.nspawn", h->settings_dirs[0], name);
}

int written_make(const MachineHost *h, const char *name, const char *text)
{
        _cleanup_free_ char *path = written_path(h, name);
        int r = file_mkdir_p(h->settings_dirs[0], 0755);

        if (r < 0)
                return r;
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        if (fd < 0)
                return -errno;
        r = fd_write_all(fd, text, strlen(text));
        if (r < 0)
                (void)unlink(path);
        return r;
}

static char *read_own(const MachineHost *h, const char *name)
{
        _cleanup_free_ char *path = written_path(h, name), *text = NULL;

        if (file_read_at(AT_FDCWD, path, SETTINGS_MAX, &text, NULL) < 0 || !str_startswith(text, WRITTEN_MARK))
                return NULL;
        return TAKE_PTR(text);
}

void written_remove(const MachineHost *h, const char *name)
{
        _cleanup_free_ char *path = written_path(h, name), *text = read_own(h, name);

        if (text)
                (void)unlink(path);
}

int written_copy(const MachineHost *h, const char *name, const char *new_name, Error *e)
{
        _cleanup_free_ char *text = read_own(h, name);
        int r = text ? written_make(h, new_name, text) : 0;

        return r < 0 && r != -EEXIST ? error_sys(e, r, "cannot write '%s/%s.nspawn'", h->settings_dirs[0], new_name) : 0;
}
