/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/run-bus.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/macro.h"
#include "base/str.h"

#define REPLY_SECONDS 30
#define REPLY_MAX     65536u

enum { MESSAGE_CALL = 1, MESSAGE_RETURN = 2, MESSAGE_ERROR = 3 };
enum { FIELD_PATH = 1, FIELD_INTERFACE = 2, FIELD_MEMBER = 3, FIELD_DESTINATION = 6, FIELD_SIGNATURE = 8 };
#define FIELD_REPLY_SERIAL "\x05\x01u" /* and a zero; the number follows */
enum { SERIAL_HELLO = 1, SERIAL_CALL = 2 };

/* ---- the wire format ---- */

void bus_align(Buf *b, size_t to)
{
        while (b->len % to)
                buf_append(b, "", 1);
}

void bus_put_u32(Buf *b, uint32_t v)
{
        bus_align(b, 4);
        buf_append(b, &v, sizeof(v));
}

void bus_put_u64(Buf *b, uint64_t v)
{
        bus_align(b, 8);
        buf_append(b, &v, sizeof(v));
}

void bus_put_bytes(Buf *b, const void *data, size_t len)
{
        bus_put_u32(b, (uint32_t)len);
        buf_append(b, data, len);
}

void bus_put_string(Buf *b, const char *s)
{
        bus_put_bytes(b, s, strlen(s));
        buf_append(b, "", 1); /* not counted */
}

void bus_put_signature(Buf *b, const char *s)
{
        buf_append(b, &(uint8_t){(uint8_t)strlen(s)}, 1);
        buf_append(b, s, strlen(s) + 1);
}

size_t bus_array_open(Buf *b)
{
        bus_put_u32(b, 0);
        size_t length_at = b->len - 4;
        bus_align(b, 8);
        return length_at;
}

void bus_array_close(Buf *b, size_t length_at)
{
        size_t begin = (length_at + 4 + 7) / 8 * 8;
        uint32_t length = (uint32_t)(b->len - begin);
        memcpy(b->data + length_at, &length, sizeof(length));
}

void bus_put_property(Buf *b, const char *name, const char *signature)
{
        bus_align(b, 8);
        bus_put_string(b, name);
        bus_put_signature(b, signature);
}

void bus_put_string_property(Buf *b, const char *name, const char *value)
{
        bus_put_property(b, name, "s");
        bus_put_string(b, value);
}

static void put_field(Buf *b, uint8_t code, const char *signature, const char *value)
{
        bus_align(b, 8);
        buf_append(b, &code, 1);
        bus_put_signature(b, signature);
        if (*signature == 'g')
                bus_put_signature(b, value);
        else
                bus_put_string(b, value);
}

static void put_call(Buf *b, const BusCall *c, uint32_t serial)
{
        const uint8_t head[4] = {__BYTE_ORDER == __LITTLE_ENDIAN ? 'l' : 'B', MESSAGE_CALL, 0, 1};

        buf_append(b, head, sizeof(head));
        bus_put_u32(b, c->body ? (uint32_t)c->body->len : 0);
        bus_put_u32(b, serial);
        size_t fields = bus_array_open(b);
        put_field(b, FIELD_PATH, "o", c->path);
        put_field(b, FIELD_INTERFACE, "s", c->interface);
        put_field(b, FIELD_MEMBER, "s", c->member);
        put_field(b, FIELD_DESTINATION, "s", c->destination);
        if (c->body)
                put_field(b, FIELD_SIGNATURE, "g", c->signature);
        bus_array_close(b, fields);
        bus_align(b, 8);
        if (c->body)
                buf_append(b, c->body->data, c->body->len);
}

/* ---- the conversation ---- */

static int read_exactly(int fd, void *data, size_t len)
{
        ssize_t n = fd_read_full(fd, data, len);
        return n < 0 ? (int)n : (size_t)n < len ? -ECONNRESET : 0;
}

/* EXTERNAL: the kernel tells the other side who we are, and we say the same, as the hexadecimal digits of the decimal ones of the UID. */
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

typedef struct ErrorName {
        const char *name;
        int code;
} ErrorName;
static const ErrorName error_names[] = {
                {"org.freedesktop.systemd1.UnitExists", -EEXIST},
                {"org.freedesktop.systemd1.NoSuchUnit", -ENOENT},
                {"org.freedesktop.machine1.MachineExists", -EEXIST},
                {"org.freedesktop.machine1.NoSuchMachine", -ENOENT},
                {"org.freedesktop.DBus.Error.ServiceUnknown", -ENXIO}, /* nobody of that name, and nobody to be started */
                {"org.freedesktop.DBus.Error.NameHasNoOwner", -ENXIO},
                {"org.freedesktop.DBus.Error.Spawn.ServiceNotFound", -ENXIO},
                {"org.freedesktop.systemd1.UnitMasked", -ENXIO},
};

static int take_error(const BusCall *c, const char *fields, size_t n_fields, const char *body, uint32_t n_body, Error *e)
{
        uint32_t length = 0;

        memcpy(&length, body, n_body >= 4 ? 4 : 0);
        const char *why = n_body > 4 && length < n_body ? body + 4 : "it does not say why";
        for (size_t i = 0; i < ELEMENTSOF(error_names); i++)
                if (memmem(fields, n_fields, error_names[i].name, strlen(error_names[i].name))) {
                        int code = error_names[i].code;
                        if (code == -ENXIO)
                                return 0;
                        return code == -EEXIST ? error_set(e, code, "%s has a %s already", c->service, c->object)
                                               : error_set(e, code, "%s has no %s", c->service, c->object);
                }
        return error_set(e, -EIO, "%s refuses %s: %s", c->service, c->object, why);
}

/* Signals that come before the answer are passed over, and so is the answer to the greeting. 1, or 0: nobody there. */
static int read_answer(int fd, const BusCall *c, uint32_t serial, Error *e)
{
        for (;;) {
                uint32_t head[4], answers = 0;
                int r = read_exactly(fd, head, sizeof(head));
                if (r < 0)
                        return error_sys(e, r, "no answer from %s to the request for %s", c->service, c->object);
                size_t rest = ((size_t)head[3] + 7) / 8 * 8;
                uint8_t type = ((const uint8_t *)head)[1];
                if (head[1] > REPLY_MAX || rest > REPLY_MAX)
                        return error_set(e, -EPROTO, "%s's answer to the request for %s is too long", c->service, c->object);
                _cleanup_free_ char *data = xnew(char, rest + head[1] + 1);
                r = read_exactly(fd, data, rest + head[1]);
                if (r < 0)
                        return error_sys(e, r, "no answer from %s to the request for %s", c->service, c->object);
                data[rest + head[1]] = '\0';
                for (size_t at = 0; at + 8 <= rest; at += 8) /* every field begins at a multiple of 8 */
                        if (memcmp(data + at, FIELD_REPLY_SERIAL, sizeof(FIELD_REPLY_SERIAL)) == 0)
                                memcpy(&answers, data + at + 4, 4);
                if ((type != MESSAGE_RETURN && type != MESSAGE_ERROR) || answers != serial)
                        continue;
                return type == MESSAGE_RETURN ? 1 : take_error(c, data, rest, data + rest, head[1], e);
        }
}

static int ask(int fd, const BusCall *c, Error *e)
{
        _cleanup_buf_ Buf greeting = {}, call = {};
        const struct timeval limit = {.tv_sec = REPLY_SECONDS};
        const BusCall hello = {
                        .destination = "org.freedesktop.DBus",
                        .path = "/org/freedesktop/DBus",
                        .interface = "org.freedesktop.DBus",
                        .member = "Hello",
        };

        (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
        int r = authenticate(fd, c->uid);
        if (r < 0)
                return error_sys(e, r, "%s does not let us ask for %s", c->service, c->object);
        put_call(&greeting, &hello, SERIAL_HELLO);
        put_call(&call, c, SERIAL_CALL);
        if (c->broker)
                r = fd_write_all(fd, greeting.data, greeting.len);
        if (r >= 0)
                r = fd_write_all(fd, call.data, call.len);
        return r < 0 ? error_sys(e, r, "cannot ask %s for %s", c->service, c->object) : read_answer(fd, c, SERIAL_CALL, e);
}

int bus_call(const BusCall *c, Error *e)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        if (strlen(c->socket) >= sizeof(address.sun_path))
                return 0;
        strcpy(address.sun_path, c->socket);
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
                return errno == ENOENT || errno == ECONNREFUSED
                                       ? 0
                                       : error_sys(e, -errno, "cannot connect to %s at %s", c->service, c->socket);
        return ask(fd, c, e);
}
