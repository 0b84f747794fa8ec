/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "base/strv.h"
#include "cli/cli.h"

/* ---- status: for people ---- */

static void line(Buf *b, const char *title, const char *text)
{
        buf_addf(b, "%16s: %s\n", title, text);
}

static void add_since(Buf *b, const Machine *m)
{
        char time[64], ago[64];
        str_format_time(time, sizeof(time), m->started_usec);
        uint64_t now = clock_realtime();
        str_format_duration(ago, sizeof(ago), (now > m->started_usec ? now - m->started_usec : 0) / USEC_PER_SEC * USEC_PER_SEC);
        buf_addf(b, "%16s: %s; %s ago\n", "Since", time, str_eq(ago, "0") ? "0s" : ago);
}

/* And what it ran into: a limit's own doing is not the machine's fault. */
static void add_usage(Buf *b, const Machine *m)
{
        MachineUsage u;
        char memory[64], limit[64];

        if (machine_usage(m, &u) < 0)
                return;
        str_format_bytes(memory, sizeof(memory), u.memory);
        buf_addf(b, "%16s: %s%s%s\n", "Memory", memory, u.memory_max ? " of " : "",
                 u.memory_max ? str_format_bytes(limit, sizeof(limit), u.memory_max) : "");
        buf_addf(b, "%16s: %zu\n", "Tasks", u.tasks);
        if (u.oom_kills && u.memory_max)
                buf_addf(b, "%16s: %" PRIu64 " processes were killed because its memory limit of %s was reached\n",
                         "Out of memory", u.oom_kills, limit);
        else if (u.oom_kills)
                buf_addf(b, "%16s: %" PRIu64 " processes were killed because the host's memory was used up\n", "Out of memory",
                         u.oom_kills);
        if (u.forks_refused)
                buf_addf(b, "%16s: %" PRIu64 " times no process could be made because the limit of tasks was reached\n",
                         "Out of tasks", u.forks_refused);
}

static int status_one(Cli *c, const char *name, Error *e)
{
        Machine m = {0};
        _cleanup_buf_ Buf b = {0};
        int r = machine_find(&c->host, name, &m, e);
        if (r < 0)
                return r;
        machine_addresses(&m);
        buf_addf(&b, "%s\n", m.name);
        line(&b, "State", machine_state(&m));
        add_since(&b, &m);
        buf_addf(&b, "%16s: %d\n%16s: %d\n", "Leader", m.leader, "Supervisor", m.supervisor);
        buf_addf(&b, "%16s: %s; class %s\n", "Service", m.service, m.class);
        line(&b, "Root", m.root);
        if (m.os_pretty)
                line(&b, "OS", m.os_pretty);
        if (m.id_count)
                buf_addf(&b, "%16s: %u…%u\n", "User IDs", m.id_base, m.id_base + m.id_count - 1);
        line(&b, "Network", m.network_private ? "private" : "host");
        STRV_FOREACH (a, m.addresses)
                line(&b, a == m.addresses ? "Address" : "", *a);
        if (m.cgroup)
                line(&b, "Control group", m.cgroup);
        add_usage(&b, &m);
        _cleanup_free_ char *tail = machine_console_tail(&c->host, name, c->options.lines == UINT32_MAX ? 10 : c->options.lines);
        if (tail)
                buf_addf(&b, "\n%s%s", tail, str_endswith(tail, "\n") ? "" : "\n");
        machine_done(&m);
        return cli_print(&b, e);
}

int cli_status(Cli *c, Error *e)
{
        return cli_each(c, status_one);
}

/* ---- show: for programs; both forms from one walk ---- */

typedef struct Shower {
        Buf text;
        Json json;
} Shower;

static void show_str(Shower *s, const char *key, const char *value)
{
        if (value)
                buf_addf(&s->text, "%s=%s\n", key, value);
        json_field_str(&s->json, key, value);
}

static void show_uint(Shower *s, const char *key, uint64_t value)
{
        buf_addf(&s->text, "%s=%" PRIu64 "\n", key, value);
        json_field_uint(&s->json, key, value);
}

static void show_running(Shower *s, const Machine *m)
{
        show_str(s, "State", machine_state(m));
        show_str(s, "Class", m->class);
        show_str(s, "Service", m->service);
        const char *unit = m->cgroup ? strrchr(m->cgroup, '/') : NULL;
        show_str(s, "Unit", unit && str_endswith(unit, ".scope") ? unit + 1 : NULL);
        show_uint(s, "Leader", (uint64_t)m->leader);
        show_uint(s, "Supervisor", (uint64_t)m->supervisor);
        char since[64];
        show_str(s, "Timestamp", str_format_time(since, sizeof(since), m->started_usec));
        show_uint(s, "TimestampUSec", m->started_usec);
        show_str(s, "RootDirectory", m->root);
        show_str(s, "ControlGroup", m->cgroup);
        show_uint(s, "UIDShift", m->id_base);
        show_uint(s, "UIDCount", m->id_count);
        show_str(s, "Network", m->network_private ? "private" : "host");
        show_str(s, "OS", m->os_id);
        show_str(s, "OSVersion", m->os_version);
        show_str(s, "OSPrettyName", m->os_pretty);
        _cleanup_free_ char *addresses = m->addresses ? strv_join(m->addresses, " ") : NULL;
        show_str(s, "Addresses", addresses);
}

static void show_settings(Shower *s, const MachineSpec *spec)
{
        _cleanup_free_ char *text = spec_to_nspawn(spec);
        buf_adds(&s->text, text);
        json_field_str(&s->json, "Settings", text);
}

static int show_one(Cli *c, const char *name, Error *e)
{
        Shower s = {.json = {.pretty = c->options.json == FORMAT_PRETTY}};
        Machine m = {0};
        MachineSpec spec;
        spec_init(&spec);
        bool running = machine_find(&c->host, name, &m, NULL) >= 0;
        int r = machine_settings(&c->host, name, &spec, running ? NULL : e); /* a tree of run --directory= is in no store */
        if (r < 0 && !running)
                return r;

        json_open(&s.json, '{');
        show_str(&s, "Name", name);
        if (running) {
                machine_addresses(&m);
                show_running(&s, &m);
        } else
                show_str(&s, "State", "stopped");
        if (r >= 0 && !c->machinectl)
                show_settings(&s, &spec);
        json_close(&s.json, '}');
        buf_adds(&s.json.out, "\n");
        r = c->options.json == FORMAT_OFF ? cli_print_properties(c, &s.text, e) : cli_print(&s.json.out, e);
        buf_done(&s.text);
        buf_done(&s.json.out);
        spec_done(&spec);
        machine_done(&m);
        return r;
}

int cli_show(Cli *c, Error *e)
{
        if (c->options.json != FORMAT_OFF && (c->options.properties || c->options.value_only))
                return error_set(e, -EINVAL, "--json shows all properties; leave --property and --value out");
        return c->words ? cli_each(c, show_one) : cli_show_image(c, e);
}
