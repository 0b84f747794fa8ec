/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "machine/run-wants.h"

#define CREDENTIAL_SIZE_MAX (1024 * 1024) /* systemd.exec(5) */

static int open_socket(const char *path)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (fd < 0)
                return -errno;
        if (strlen(path) >= sizeof(address.sun_path))
                return -ENAMETOOLONG;
        strcpy(address.sun_path, path);
        return connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : TAKE_FD(fd);
}

/* A file, a socket that sends it, or one that berth itself was given by its service manager. */
static int open_credential(const char *path, Error *e)
{
        const char *own = getenv("CREDENTIALS_DIRECTORY");
        _cleanup_free_ char *joined = NULL;
        struct stat st;

        if (!path_is_absolute(path)) {
                if (!own || !path_is_absolute(own))
                        return error_set(e, -ENOENT, "credential '%s' was not handed to berth; give an absolute path", path);
                path = joined = path_join(own, path);
        }
        if (stat(path, &st) < 0)
                return error_sys(e, -errno, "cannot read credential '%s'", path);
        int fd = S_ISSOCK(st.st_mode) ? open_socket(path) : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        if (fd < 0)
                return error_sys(e, S_ISSOCK(st.st_mode) ? fd : -errno, "cannot read credential '%s'", path);
        return fd;
}

static int load(const SpecCredential *c, FactCredential *ret, Error *e)
{
        char *text;
        _cleanup_close_ int fd = open_credential(c->path, e);
        if (fd < 0)
                return fd;
        int r = file_read_fd(fd, CREDENTIAL_SIZE_MAX, &text, &ret->len);
        if (r == -E2BIG)
                return error_set(e, r, "credential '%s' is larger than 1M", c->path);
        if (r < 0)
                return error_sys(e, r, "cannot read credential '%s'", c->path);
        ret->data = (unsigned char *)text;
        return 0;
}

int machine_facts_credentials(const MachineSpec *s, HostFacts *f, Error *e)
{
        f->credentials = xnew(FactCredential, s->credentials.n);
        for (size_t i = 0; i < s->credentials.n; i++) {
                const SpecCredential *c = &s->credentials.items[i];
                FactCredential *to = &f->credentials[f->n_credentials++];
                to->id = xstrdup(c->id);
                if (c->path) {
                        int r = load(c, to, e);
                        if (r < 0)
                                return r;
                        continue;
                }
                to->data = xmalloc(c->len + 1);
                memcpy(to->data, c->data, c->len);
                to->len = c->len;
        }
        return 0;
}
