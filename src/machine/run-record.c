/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"
#include "machine/run-log.h"
#include "machine/run-record.h"
#include "sys/lock.h"

#define RECORD_MAX 65536

/* KEY=VALUE lines instead of JSON: reading them back needs no library, and a start reads and writes them each time. In values,
 * backslash and newline are written as \\ and \n. */
typedef enum FieldType { FIELD_STRING, FIELD_INT, FIELD_U32, FIELD_U64, FIELD_BOOL } FieldType;
typedef struct RecordField {
        const char *key;
        FieldType type;
        size_t offset;
} RecordField;

#define ROW(k, t, member)                       \
        {                                       \
                k, t, offsetof(Machine, member) \
        }
static const RecordField fields[] = {
                ROW("BOOT_ID", FIELD_STRING, boot_id),
                ROW("NAME", FIELD_STRING, name),
                ROW("CLASS", FIELD_STRING, class),
                ROW("SERVICE", FIELD_STRING, service),
                ROW("STATE", FIELD_STRING, state),
                ROW("ROOT", FIELD_STRING, root),
                ROW("CGROUP", FIELD_STRING, cgroup),
                ROW("CGROUP_V1", FIELD_STRING, cgroup_v1),
                ROW("LEADER", FIELD_INT, leader),
                ROW("LEADER_STARTTIME", FIELD_U64, leader_starttime),
                ROW("SUPERVISOR", FIELD_INT, supervisor),
                ROW("STARTED", FIELD_U64, started_usec),
                ROW("ID_BASE", FIELD_U32, id_base),
                ROW("ID_COUNT", FIELD_U32, id_count),
                ROW("INIT", FIELD_STRING, init),
                ROW("STOP_SIGNAL", FIELD_INT, stop_signal),
                ROW("REBOOT_SIGNAL", FIELD_INT, reboot_signal),
                ROW("STOP_TIMEOUT", FIELD_U64, stop_timeout_usec),
                ROW("NETWORK_PRIVATE", FIELD_BOOL, network_private),
                ROW("SYSTEM_CALL_FILTER", FIELD_STRING, system_call_filter),
                ROW("ADDRESS_FAMILIES", FIELD_STRING, address_families),
                ROW("SUPPRESS_SYNC", FIELD_BOOL, suppress_sync),
                ROW("NETWORK_LINKS", FIELD_STRING, network_links),
                ROW("NETWORK_MOVED", FIELD_STRING, network_moved),
                ROW("NETWORK_TABLES", FIELD_STRING, network_tables),
                ROW("NETWORK_ZONE", FIELD_STRING, network_zone),
                ROW("OS_ID", FIELD_STRING, os_id),
                ROW("OS_VERSION", FIELD_STRING, os_version),
                ROW("OS_PRETTY", FIELD_STRING, os_pretty),
};
static_assert(sizeof(pid_t) == sizeof(int), "FIELD_INT serves for process IDs");

static void append_escaped(Buf *b, const char *s)
{
        for (; *s; s++)
                if (*s == '\n')
                        buf_adds(b, "\\n");
                else if (*s == '\\')
                        buf_adds(b, "\\\\");
                else
                        buf_append(b, s, 1);
}

static char *unescape(char *s)
{
        char *to = s;
        for (const char *from = s; *from; from++)
                if (*from == '\\' && from[1])
                        *to++ = *++from == 'n' ? '\n' : *from;
                else
                        *to++ = *from;
        *to = '\0';
        return s;
}

static void append_field(Buf *b, const RecordField *f, const Machine *m)
{
        const void *p = (const char *)m + f->offset;
        if (f->type == FIELD_STRING && !*(char *const *)p)
                return;
        buf_addf(b, "%s=", f->key);
        switch (f->type) {
        case FIELD_STRING:
                append_escaped(b, *(char *const *)p);
                break;
        case FIELD_INT:
                buf_addf(b, "%d", *(const int *)p);
                break;
        case FIELD_U32:
                buf_addf(b, "%u", *(const uint32_t *)p);
                break;
        case FIELD_U64:
                buf_addf(b, "%llu", (unsigned long long)*(const uint64_t *)p);
                break;
        case FIELD_BOOL:
                buf_adds(b, *(const bool *)p ? "1" : "0");
                break;
        }
        buf_adds(b, "\n");
}

static int take_field(const RecordField *f, char *value, Machine *m)
{
        void *p = (char *)m + f->offset;
        switch (f->type) {
        case FIELD_STRING:
                free(*(char **)p);
                *(char **)p = xstrdup(unescape(value));
                return 0;
        case FIELD_INT:
                return str_parse_i32(value, p);
        case FIELD_U32:
                return str_parse_u32(value, p);
        case FIELD_U64:
                return str_parse_u64(value, p);
        case FIELD_BOOL:
                *(bool *)p = str_eq(value, "1");
                return 0;
        }
        return -EINVAL;
}

char *machine_record_dir(const MachineHost *h, const char *name)
{
        return xasprintf("%s/machines/%s", h->run_dir, name);
}

int machine_record_write(const MachineHost *h, const Machine *m, Error *e)
{
        _cleanup_free_ char *dir = machine_record_dir(h, m->name);
        _cleanup_free_ char *path = path_join(dir, "state");
        _cleanup_buf_ Buf b = {0};

        for (size_t i = 0; i < ELEMENTSOF(fields); i++)
                append_field(&b, fields + i, m);
        int r = file_write_atomic_at(AT_FDCWD, path, b.data, b.len, 0644, false);
        if (r < 0)
                return error_sys(e, r, "cannot write '%s'", path);
        return 0;
}

static int parse(char *text, Machine *m)
{
        char *save = NULL;
        for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
                char *eq = strchr(line, '=');
                if (!eq)
                        return -EBADMSG;
                *eq = '\0';
                for (size_t i = 0; i < ELEMENTSOF(fields); i++)
                        if (str_eq(fields[i].key, line) && take_field(fields + i, eq + 1, m) < 0)
                                return -EBADMSG;
        }
        return m->name && m->boot_id && m->leader > 0 ? 0 : -EBADMSG;
}

int machine_record_read(const MachineHost *h, const char *name, Machine *ret)
{
        _cleanup_free_ char *dir = machine_record_dir(h, name);
        _cleanup_free_ char *path = path_join(dir, "state");
        _cleanup_free_ char *text = NULL;
        size_t len;
        int r = file_read_at(AT_FDCWD, path, RECORD_MAX, &text, &len);
        if (r < 0)
                return r;
        Machine m = {0};
        r = parse(text, &m);
        if (r >= 0 && !str_eq(m.name, name))
                r = -EBADMSG;
        if (r < 0) {
                machine_done(&m);
                return r;
        }
        *ret = m;
        return 0;
}

/* Its directory stays while it is locked: it is the lock. */
int machine_record_remove(const MachineHost *h, const char *name)
{
        static const char *const files[] = {"state", "console.log", "journal"};
        _cleanup_free_ char *dir = machine_record_dir(h, name);

        log_keep(h, name);
        for (size_t i = 0; i < ELEMENTSOF(files); i++) {
                _cleanup_free_ char *path = path_join(dir, files[i]);
                if (unlink(path) < 0 && errno != ENOENT)
                        return -errno;
        }
        return 0;
}

int machine_record_lock(const MachineHost *h, const char *name)
{
        _cleanup_free_ char *dir = machine_record_dir(h, name);
        return sys_lock_directory(dir);
}

void machine_record_unlock(const MachineHost *h, const char *name, int *take_fd)
{
        if (*take_fd < 0)
                return;
        _cleanup_free_ char *dir = machine_record_dir(h, name), *state = path_join(dir, "state");
        /* Still locked: who waits for it sees that the name is another directory now and tries again. A record that stays keeps its own. */
        if (rmdir(dir) < 0 && errno == ENOTEMPTY && access(state, F_OK) < 0)
                (void)file_remove_tree_at(AT_FDCWD, dir); /* what was being written when somebody was killed */
        *take_fd = fd_close(*take_fd);
}

void machine_done(Machine *m)
{
        for (size_t i = 0; i < ELEMENTSOF(fields); i++)
                if (fields[i].type == FIELD_STRING)
                        free(*(char **)((char *)m + fields[i].offset));
        strv_free(m->addresses);
        *m = (Machine){0};
}
