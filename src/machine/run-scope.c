/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/run-scope.h"

#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/macro.h"
#include "base/path.h"
#include "base/str.h"
#include "sys/cgroup.h"

#define SOCKET        "/run/systemd/private"
#define USER_SOCKET   "systemd/private" /* below $XDG_RUNTIME_DIR */
#define REPLY_SECONDS 30
#define REPLY_MAX     65536u
#define ERROR_EXISTS  "org.freedesktop.systemd1.UnitExists"
#define ERROR_NO_UNIT "org.freedesktop.systemd1.NoSuchUnit"
#define EXISTS_MS     2000 /* the scope of a machine that has just ended goes when systemd is told that it is empty */
#define SCOPE_MS      30000
#define USER_SCOPE_MS 3000 /* a user's systemd may have to ask the host's, and may be refused without telling us */
#define SCOPE_STEP_MS 5

enum { MESSAGE_CALL = 1, MESSAGE_RETURN = 2, MESSAGE_ERROR = 3 };
enum { FIELD_PATH = 1, FIELD_INTERFACE = 2, FIELD_MEMBER = 3, FIELD_DESTINATION = 6, FIELD_SIGNATURE = 8 };

/* ---- the D-Bus wire format, as far as one call needs it ---- */

static void align(Buf *b, size_t to)
{
        while (b->len % to)
                buf_append(b, "", 1);
}

static void put_u32(Buf *b, uint32_t v)
{
        align(b, 4);
        buf_append(b, &v, sizeof(v));
}

static void put_string(Buf *b, const char *s)
{
        put_u32(b, (uint32_t)strlen(s));
        buf_append(b, s, strlen(s) + 1);
}

static void put_signature(Buf *b, const char *s)
{
        buf_append(b, &(uint8_t){(uint8_t)strlen(s)}, 1);
        buf_append(b, s, strlen(s) + 1);
}

/* An array of structures: its length is known at the end. */
static size_t array_open(Buf *b)
{
        put_u32(b, 0);
        size_t length_at = b->len - 4;
        align(b, 8);
        return length_at;
}

static void array_close(Buf *b, size_t length_at)
{
        size_t begin = (length_at + 4 + 7) / 8 * 8;
        uint32_t length = (uint32_t)(b->len - begin);
        memcpy(b->data + length_at, &length, sizeof(length));
}

static void put_property(Buf *b, const char *name, const char *signature)
{
        align(b, 8);
        put_string(b, name);
        put_signature(b, signature);
}

static void put_string_property(Buf *b, const char *name, const char *value)
{
        put_property(b, name, "s");
        put_string(b, value);
}

static void put_field(Buf *b, uint8_t code, const char *signature, const char *value)
{
        align(b, 8);
        buf_append(b, &code, 1);
        put_signature(b, signature);
        if (*signature == 'g')
                put_signature(b, value);
        else
                put_string(b, value);
}

/* StartTransientUnit(name, "fail", properties, no auxiliary units) */
static void put_body(Buf *b, const char *unit, const char *machine, const char *slice)
{
        _cleanup_free_ char *description = xasprintf("Machine %s", machine);

        put_string(b, unit);
        put_string(b, "fail");
        size_t properties = array_open(b);
        put_string_property(b, "Description", description);
        put_string_property(b, "Slice", slice ?: "machine.slice");
        put_string_property(b, "CollectMode", "inactive-or-failed");
        put_property(b, "Delegate", "b");
        put_u32(b, 1);
        put_property(b, "PIDs", "au");
        put_u32(b, sizeof(uint32_t));
        put_u32(b, (uint32_t)getpid());
        array_close(b, properties);
        array_close(b, array_open(b));
}

static void put_call(Buf *b, const char *member, const char *signature, const Buf *body)
{
        const uint8_t head[4] = {__BYTE_ORDER == __LITTLE_ENDIAN ? 'l' : 'B', MESSAGE_CALL, 0, 1};

        buf_append(b, head, sizeof(head));
        put_u32(b, (uint32_t)body->len);
        put_u32(b, 1);
        size_t fields = array_open(b);
        put_field(b, FIELD_PATH, "o", "/org/freedesktop/systemd1");
        put_field(b, FIELD_INTERFACE, "s", "org.freedesktop.systemd1.Manager");
        put_field(b, FIELD_MEMBER, "s", member);
        put_field(b, FIELD_DESTINATION, "s", "org.freedesktop.systemd1");
        put_field(b, FIELD_SIGNATURE, "g", signature);
        array_close(b, fields);
        align(b, 8);
        buf_append(b, body->data, body->len);
}

/* ---- the conversation ---- */

static int read_exactly(int fd, void *data, size_t len)
{
        ssize_t n = fd_read_full(fd, data, len);
        return n < 0 ? (int)n : (size_t)n < len ? -ECONNRESET : 0;
}

/* EXTERNAL: the kernel tells systemd who we are, and we say the same, as the hexadecimal digits of the decimal ones of the UID. */
static int authenticate(int fd, uid_t uid)
{
        char c = 0, last = 0, first[3] = "", digits[16];
        _cleanup_buf_ Buf hello = {};

        snprintf(digits, sizeof(digits), "%u", uid);
        buf_append(&hello, "", 1);
        buf_adds(&hello, "AUTH EXTERNAL ");
        for (const char *d = digits; *d; d++)
                buf_addf(&hello, "%02x", (unsigned)*d);
        buf_adds(&hello, "\r\n");
        int sent = fd_write_all(fd, hello.data, hello.len);
        if (sent < 0)
                return sent;
        for (size_t n = 0; !(last == '\r' && c == '\n'); n++) {
                last = c;
                int r = n > 256 ? -EPROTO : read_exactly(fd, &c, 1);
                if (r < 0)
                        return r;
                if (n < 2)
                        first[n] = c;
        }
        if (!str_eq(first, "OK"))
                return -EACCES;
        return write(fd, "BEGIN\r\n", 7) == 7 ? 0 : -errno;
}

/* Signals that come before the answer are passed over. */
static int read_answer(int fd, const char *unit, Error *e)
{
        for (;;) {
                uint32_t head[4], length;
                int r = read_exactly(fd, head, sizeof(head));
                if (r < 0)
                        return error_sys(e, r, "no answer from systemd to the request for unit '%s'", unit);
                size_t rest = ((size_t)head[3] + 7) / 8 * 8;
                uint8_t type = ((const uint8_t *)head)[1];
                if (head[1] > REPLY_MAX || rest > REPLY_MAX)
                        return error_set(e, -EPROTO, "systemd's answer to the request for unit '%s' is too long", unit);
                _cleanup_free_ char *data = xnew(char, rest + head[1] + 1);
                r = read_exactly(fd, data, rest + head[1]);
                if (r < 0)
                        return error_sys(e, r, "no answer from systemd to the request for unit '%s'", unit);
                if (type == MESSAGE_RETURN)
                        return 0;
                if (type != MESSAGE_ERROR)
                        continue;
                data[rest + head[1]] = '\0';
                if (memmem(data, rest, ERROR_EXISTS, strlen(ERROR_EXISTS)))
                        return error_set(e, -EEXIST, "systemd has a unit '%s' already", unit);
                if (memmem(data, rest, ERROR_NO_UNIT, strlen(ERROR_NO_UNIT)))
                        return error_set(e, -ENOENT, "systemd has no unit '%s'", unit);
                memcpy(&length, data + rest, head[1] >= 4 ? 4 : 0);
                return error_set(e, -EIO, "systemd refuses unit '%s': %s", unit,
                                 head[1] > 4 && length < head[1] ? data + rest + 4 : "it does not say why");
        }
}

static int ask(int fd, uid_t uid, const char *unit, const char *member, const char *signature, const Buf *body, Error *e)
{
        _cleanup_buf_ Buf call = {};
        const struct timeval limit = {.tv_sec = REPLY_SECONDS};

        (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
        int r = authenticate(fd, uid);
        if (r < 0)
                return error_sys(e, r, "systemd does not let us ask for unit '%s'", unit);
        put_call(&call, member, signature, body);
        r = fd_write_all(fd, call.data, call.len);
        return r < 0 ? error_sys(e, r, "cannot ask systemd for unit '%s'", unit) : read_answer(fd, unit, e);
}

/* 1: done; 0: there is nobody to ask */
static int call_manager(const MachineHost *h, const char *unit, const char *member, const char *signature, const Buf *body,
                        Error *e)
{
        _cleanup_free_ char *path = h->rootless ? path_join(h->runtime_dir ?: "/", USER_SOCKET) : xstrdup(SOCKET);
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        if ((h->rootless && !h->runtime_dir) || strlen(path) >= sizeof(address.sun_path))
                return 0;
        strcpy(address.sun_path, path);
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
                return errno == ENOENT || errno == ECONNREFUSED ? 0
                                                                : error_sys(e, -errno, "cannot connect to systemd at %s", path);
        int r = ask(fd, h->uid, unit, member, signature, body, e);
        return r < 0 ? r : 1;
}

static int start_unit(const MachineHost *h, const char *unit, const char *machine, const char *slice, Error *e)
{
        _cleanup_buf_ Buf body = {};

        put_body(&body, unit, machine, slice);
        return call_manager(h, unit, "StartTransientUnit", "ssa(sv)a(sa(sv))", &body, e);
}

static int stop_unit(const MachineHost *h, const char *unit, Error *e)
{
        _cleanup_buf_ Buf body = {};

        put_string(&body, unit);
        put_string(&body, "replace");
        return call_manager(h, unit, "StopUnit", "ss", &body, e);
}

/* "a-b.slice" lies in "a.slice" (systemd.slice(5)). */
static char *slice_path(const char *slice)
{
        char *path = xstrdup("");

        for (const char *dash = slice; (dash = strchr(dash, '-')); dash++) {
                char *deeper = xasprintf("%s/%.*s.slice", path, (int)(dash - slice), slice);
                free(path);
                path = deeper;
        }
        char *whole = xasprintf("%s/%s", path, slice);
        free(path);
        return whole;
}

/* A scope without a process in it, or whose directory is gone already: of a machine that ended. */
static bool is_empty(const char *unit, const char *slice)
{
        _cleanup_free_ char *parent = slice_path(slice ?: "machine.slice"), *path = path_join(parent, unit);
        return sys_cgroup_populated(path) <= 0;
}

int scope_enter(const MachineHost *h, const char *machine, const char *slice, char **ret_cgroup, Error *e)
{
        _cleanup_free_ char *unit = xasprintf("berth-%s.scope", machine);
        Error error = {};
        int r = start_unit(h, unit, machine, slice, &error);

        for (unsigned ms = 0; r == -EEXIST && ms < 2 * EXISTS_MS; ms += SCOPE_STEP_MS) {
                if (ms == EXISTS_MS && is_empty(unit, slice)) /* systemd was not told */
                        (void)stop_unit(h, unit, NULL);
                usleep(SCOPE_STEP_MS * 1000);
                error = (Error){};
                r = start_unit(h, unit, machine, slice, &error);
        }
        if (r < 0 && e)
                *e = error;
        if (r <= 0)
                return r;
        for (unsigned ms = 0; ms < (h->rootless ? USER_SCOPE_MS : SCOPE_MS);
             ms += SCOPE_STEP_MS) { /* the answer means that the job is queued */
                _cleanup_free_ char *own = NULL;
                if (sys_cgroup_self(&own) == 0 && str_endswith(own, unit)) {
                        *ret_cgroup = TAKE_PTR(own);
                        return 1;
                }
                usleep(SCOPE_STEP_MS * 1000);
        }
        return error_set(e, -ETIMEDOUT, "systemd did not start unit '%s'", unit);
}

bool scope_leave(const MachineHost *h, const char *cgroup)
{
        const char *unit = strrchr(cgroup, '/');
        unit = unit ? unit + 1 : cgroup;
        if (!str_startswith(unit, "berth-") || !str_endswith(unit, ".scope") || access(SOCKET, F_OK) < 0)
                return false;
        static const char *const below[] = {"payload", "supervisor"};
        for (size_t i = 0; i < ELEMENTSOF(below); i++) {
                _cleanup_free_ char *path = path_join(cgroup, below[i]);
                (void)sys_cgroup_remove(path);
        }
        for (unsigned ms = 0; ms < 2 * EXISTS_MS && sys_cgroup_populated(cgroup) >= 0; ms += SCOPE_STEP_MS) {
                if (ms == EXISTS_MS)
                        (void)stop_unit(h, unit, NULL);
                usleep(SCOPE_STEP_MS * 1000);
        }
        return true;
}
