/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "transfer/unpack-result.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/strv.h"

typedef struct ReportHeader {
        uint64_t bytes;
        uint32_t n_control, n_paths, n_digests, n_contents;
} __attribute__((packed)) ReportHeader;

static int report_grow(const UnpackReport *r, size_t more)
{
        return r->control.len + r->paths.len + r->digests.len + r->contents.len + more > UNPACK_REPORT_MAX - sizeof(ReportHeader)
                               ? -E2BIG
                               : 0;
}

static void put_string(Buf *b, const char *s, size_t len)
{
        uint32_t n = (uint32_t)len;

        buf_append(b, &n, sizeof(n));
        buf_append(b, s, len);
}

int unpack_report_control(UnpackReport *r, const UnpackFile *f)
{
        uint32_t mode = f->mode;
        size_t name_len = strlen(f->name);

        if (report_grow(r, name_len + f->len + 12) < 0)
                return -E2BIG;
        buf_append(&r->control, &mode, sizeof(mode));
        put_string(&r->control, f->name, name_len);
        put_string(&r->control, f->data, f->len);
        r->n_control++;
        return 0;
}

static int add_line(const UnpackReport *r, Buf *b, uint32_t *n, const char *line)
{
        size_t len = strlen(line);

        if (report_grow(r, len + 4) < 0)
                return -E2BIG;
        put_string(b, line, len);
        (*n)++;
        return 0;
}

int unpack_report_path(UnpackReport *r, const char *path)
{
        return add_line(r, &r->paths, &r->n_paths, path);
}

int unpack_report_digest(UnpackReport *r, const char *line)
{
        return add_line(r, &r->digests, &r->n_digests, line);
}

int unpack_report_contents(UnpackReport *r, const char *line)
{
        return add_line(r, &r->contents, &r->n_contents, line);
}

int unpack_report_write(const UnpackReport *r, int fd)
{
        ReportHeader h = {.bytes = r->bytes,
                          .n_control = r->n_control,
                          .n_paths = r->n_paths,
                          .n_digests = r->n_digests,
                          .n_contents = r->n_contents};
        int rc = fd_write_all(fd, &h, sizeof(h));
        const Buf *parts[] = {&r->control, &r->paths, &r->digests, &r->contents};

        for (size_t i = 0; rc >= 0 && i < ELEMENTSOF(parts); i++)
                if (parts[i]->len > 0)
                        rc = fd_write_all(fd, parts[i]->data, parts[i]->len);
        return rc;
}

void unpack_report_done(UnpackReport *r)
{
        buf_done(&r->control);
        buf_done(&r->paths);
        buf_done(&r->digests);
        buf_done(&r->contents);
        *r = (UnpackReport){0};
}

/* ---- the parent's side ---- */

typedef struct Cursor {
        const char *p;
        size_t left;
} Cursor;

static int get(Cursor *c, void *ret, size_t len)
{
        if (c->left < len)
                return -EBADMSG;
        memcpy(ret, c->p, len);
        c->p += len;
        c->left -= len;
        return 0;
}

static int get_bytes(Cursor *c, char **ret, size_t *ret_len)
{
        uint32_t len;
        int r = get(c, &len, sizeof(len));

        if (r < 0 || c->left < len)
                return -EBADMSG;
        char *s = malloc((size_t)len + 1);
        if (!s)
                return -ENOMEM;
        r = get(c, s, len);
        s[len] = '\0';
        *ret = s;
        *ret_len = len;
        return r;
}

static int get_string(Cursor *c, char **ret)
{
        size_t len;
        int r = get_bytes(c, ret, &len);

        if (r >= 0 && memchr(*ret, '\0', len))
                return -EBADMSG; /* *ret belongs to the result already and goes with it */
        return r;
}

static int get_strv(Cursor *c, uint32_t n, char ***ret)
{
        if (n > c->left / sizeof(uint32_t))
                return -EBADMSG;
        *ret = calloc((size_t)n + 1, sizeof(char *));
        if (!*ret)
                return -ENOMEM;
        for (uint32_t i = 0; i < n; i++) {
                int r = get_string(c, &(*ret)[i]);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int get_control(Cursor *c, uint32_t n, UnpackResult *ret)
{
        if (n > c->left / (3 * sizeof(uint32_t)))
                return -EBADMSG;
        ret->control = calloc((size_t)n + 1, sizeof(UnpackFile));
        if (!ret->control)
                return -ENOMEM;
        for (uint32_t i = 0; i < n; i++) {
                UnpackFile *f = &ret->control[i];
                uint32_t mode;

                ret->n_control = i + 1;
                int r = get(c, &mode, sizeof(mode));
                if (r >= 0)
                        r = get_string(c, &f->name);
                if (r >= 0)
                        r = get_bytes(c, &f->data, &f->len);
                if (r < 0)
                        return r;
                if (!f->name[0] || strchr(f->name, '/') || strcmp(f->name, ".") == 0 || strcmp(f->name, "..") == 0)
                        return -EBADMSG;
                f->mode = mode & 07777;
        }
        return 0;
}

int unpack_report_parse(const char *data, size_t len, UnpackResult *ret)
{
        __attribute__((cleanup(unpack_result_done))) UnpackResult u = {0};
        Cursor c = {data, len};
        ReportHeader h;
        int r = get(&c, &h, sizeof(h));

        if (r >= 0)
                r = get_control(&c, h.n_control, &u);
        if (r >= 0)
                r = get_strv(&c, h.n_paths, &u.paths);
        if (r >= 0)
                r = get_strv(&c, h.n_digests, &u.conffile_digests);
        if (r >= 0)
                r = get_strv(&c, h.n_contents, &u.contents);
        if (r < 0)
                return r;
        if (c.left > 0)
                return -EBADMSG;
        u.bytes = h.bytes;
        *ret = u;
        u = (UnpackResult){0};
        return 0;
}

void unpack_result_done(UnpackResult *r)
{
        for (size_t i = 0; i < r->n_control; i++) {
                free(r->control[i].name);
                free(r->control[i].data);
        }
        free(r->control);
        strv_free(r->paths);
        strv_free(r->conffile_digests);
        strv_free(r->contents);
        *r = (UnpackResult){0};
}
