/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "transfer/deb.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define AR_MAGIC       "!<arch>\n"
#define AR_MAGIC_SIZE  8U
#define AR_HEADER_SIZE 60U
#define AR_NAME_SIZE   16U
#define AR_SIZE_AT     48U
#define AR_SIZE_SIZE   10U
#define AR_END_AT      58U
#define SKIPPED_MAX    64U

void deb_scan_init(DebScan *s, uint64_t file_size)
{
        *s = (DebScan){.file_size = file_size};
}

uint32_t deb_scan_want(const DebScan *s)
{
        static const uint32_t want[] = {
                        [DEB_MAGIC] = AR_MAGIC_SIZE,
                        [DEB_HEADER] = AR_HEADER_SIZE,
                        [DEB_VERSION] = 2,
                        [DEB_DONE] = 0,
        };

        return want[s->state];
}

/* Decimal, at least one digit, padded with spaces to its width. */
static int parse_decimal(const char *p, size_t width, uint64_t *ret)
{
        uint64_t v = 0;
        size_t i = 0;

        for (; i < width && p[i] >= '0' && p[i] <= '9'; i++)
                v = v * 10 + (uint64_t)(p[i] - '0');
        if (i == 0)
                return -EINVAL;
        for (; i < width; i++)
                if (p[i] != ' ')
                        return -EINVAL;
        *ret = v;
        return 0;
}

/* The name ends at a slash (GNU) or at the padding. */
static void copy_name(const char *header, char ret[static AR_NAME_SIZE + 1])
{
        size_t n = AR_NAME_SIZE;

        memcpy(ret, header, n);
        while (n > 0 && ret[n - 1] == ' ')
                n--;
        if (n > 0 && ret[n - 1] == '/')
                n--;
        ret[n] = '\0';
}

static bool name_is(const char *name, const char *stem)
{
        size_t n = strlen(stem);

        return strncmp(name, stem, n) == 0 && (name[n] == '\0' || name[n] == '.');
}

static int take_member(DebScan *s, const char *name, DebMember m, Error *e)
{
        static const char *const expected[] = {"debian-binary", "control.tar", "data.tar"};
        uint64_t next = m.offset + m.size + (m.size & 1);

        if (name[0] == '_' && s->seen > 0) {
                if (++s->skipped > SKIPPED_MAX)
                        return error_set(e, -EBADMSG, "it has too many private members");
                s->pos = next;
                return 0;
        }
        if (!name_is(name, expected[s->seen]))
                return error_set(e, -EBADMSG, "member '%s' stands where '%s' is expected", name, expected[s->seen]);

        switch (s->seen++) {
        case 0:
                if (m.size < 2)
                        return error_set(e, -EBADMSG, "member 'debian-binary' is too short");
                s->data = (DebMember){.offset = next}; /* where the version's reader goes on */
                s->pos = m.offset;
                s->state = DEB_VERSION;
                return 0;
        case 1:
                s->control = m;
                s->pos = next;
                return 0;
        default:
                s->data = m;
                s->state = DEB_DONE;
                return 0;
        }
}

static int give_header(DebScan *s, const char *h, Error *e)
{
        DebMember m = {.offset = s->pos + AR_HEADER_SIZE};
        char name[AR_NAME_SIZE + 1];

        if (h[AR_END_AT] != '`' || h[AR_END_AT + 1] != '\n' || parse_decimal(h + AR_SIZE_AT, AR_SIZE_SIZE, &m.size) < 0)
                return error_set(e, -EBADMSG, "the member header at byte %llu is broken", (unsigned long long)s->pos);
        copy_name(h, name);
        if (m.offset > s->file_size || m.size > s->file_size - m.offset)
                return error_set(e, -EBADMSG, "member '%s' goes beyond the end of the file", name);
        return take_member(s, name, m, e);
}

int deb_scan_give(DebScan *s, const char *data, uint32_t len, Error *e)
{
        if (len < deb_scan_want(s))
                return error_set(e, -EBADMSG, "the file ends at byte %llu", (unsigned long long)s->pos + len);

        switch (s->state) {
        case DEB_MAGIC:
                if (memcmp(data, AR_MAGIC, AR_MAGIC_SIZE) != 0)
                        return error_set(e, -EBADMSG, "it is not a .deb file");
                s->pos = AR_MAGIC_SIZE;
                s->state = DEB_HEADER;
                return 0;
        case DEB_HEADER:
                return give_header(s, data, e);
        case DEB_VERSION:
                if (memcmp(data, "2.", 2) != 0)
                        return error_set(e, -EBADMSG, "its format version is not 2");
                s->pos = s->data.offset;
                s->state = DEB_HEADER;
                return 0;
        case DEB_DONE:
        case _DEB_STATE_MAX:
                break;
        }
        return 0;
}

int deb_scan_fd(int fd, DebScan *ret, Error *e)
{
        char buf[DEB_WANT_MAX];
        struct stat st;
        DebScan s;

        if (fstat(fd, &st) < 0)
                return error_sys(e, -errno, "cannot examine it");
        deb_scan_init(&s, st.st_size > 0 ? (uint64_t)st.st_size : 0);
        for (uint32_t want; (want = deb_scan_want(&s)) > 0;) {
                ssize_t n = pread(fd, buf, want, (off_t)s.pos);
                if (n < 0)
                        return error_sys(e, -errno, "cannot read it");
                int r = deb_scan_give(&s, buf, (uint32_t)n, e);
                if (r < 0)
                        return error_prefix(e, r, "it is truncated or damaged");
        }
        *ret = s;
        return 0;
}
