/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/table.h"

/* What machinectl and importctl tell of images, in their words and columns. */

static char *bytes_text(const Cli *c, uint64_t bytes)
{
        char text[64];
        if (bytes == STORE_UNKNOWN)
                return NULL;
        if (c->options.json != FORMAT_OFF)
                return xasprintf("%" PRIu64, bytes);
        return xstrdup(str_format_bytes(text, sizeof(text), bytes));
}

static void add_time(Table *t, uint64_t usec)
{
        char text[64];
        table_add(t, usec ? str_format_time(text, sizeof(text), usec) : NULL);
}

static void add_images(Cli *c, Table *t, const MachineImage *v, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                _cleanup_free_ char *usage = bytes_text(c, v[i].usage.used),
                                    *name = v[i].hidden ? xasprintf(".berth.v/images/%s", v[i].image.name)
                                                        : xstrdup(v[i].image.name);
                table_add(t, name);
                table_add(t, store_driver_type(v[i].image.driver));
                table_add(t, v[i].image.read_only ? "yes" : "no");
                table_add(t, usage);
                add_time(t, v[i].image.created_usec);
                add_time(t, v[i].image.modified_usec);
        }
}

int cli_list_images(Cli *c, Error *e)
{
        static const Column columns[] = {{"NAME", CELL_TEXT},    {"TYPE", CELL_TEXT},    {"RO", CELL_BOOL},
                                         {"USAGE", CELL_NUMBER}, {"CREATED", CELL_TEXT}, {"MODIFIED", CELL_TEXT}};
        Table t = {.columns = columns, .n_columns = ELEMENTSOF(columns), .noun = "images"};
        MachineImage *v;
        size_t n;
        int r = machine_image_list(&c->host, c->options.all, &v, &n, e);
        if (r < 0)
                return r;
        add_images(c, &t, v, n);
        machine_image_list_free(v, n);
        r = table_print(&t, &c->options, e);
        table_done(&t);
        return r;
}

/* ---- image-status ---- */

static void line(Buf *b, const char *title, const char *text)
{
        if (text)
                buf_addf(b, "%16s: %s\n", title, text);
}

static void line_time(Buf *b, const char *title, uint64_t usec)
{
        char time[64], ago[64];
        uint64_t now = clock_realtime();
        if (usec == 0)
                return;
        str_format_time(time, sizeof(time), usec);
        str_format_duration(ago, sizeof(ago), (now > usec ? now - usec : 0) / USEC_PER_SEC * USEC_PER_SEC);
        buf_addf(b, "%16s: %s; %s ago\n", title, time, str_eq(ago, "0") ? "0s" : ago);
}

static void line_bytes(Buf *b, const char *title, uint64_t bytes, uint64_t exclusive)
{
        char text[64], own[64];
        if (bytes == STORE_UNKNOWN)
                return;
        str_format_bytes(text, sizeof(text), bytes);
        if (exclusive == STORE_UNKNOWN || exclusive == bytes)
                buf_addf(b, "%16s: %s\n", title, text);
        else
                buf_addf(b, "%16s: %s (exclusive: %s)\n", title, text, str_format_bytes(own, sizeof(own), exclusive));
}

static int status_one(Cli *c, const char *name, Error *e)
{
        _cleanup_buf_ Buf b = {0};
        MachineImage i;
        int r = machine_image_info(&c->host, name, &i, e);
        if (r < 0)
                return r;
        buf_addf(&b, "%s\n", name);
        line(&b, "Type", store_driver_type(i.image.driver));
        line(&b, "Driver", store_driver_name(i.image.driver));
        line(&b, "Path", i.image.path);
        line(&b, "Hostname", i.hostname);
        line(&b, "Machine ID", i.machine_id);
        line(&b, "OS", i.os);
        line(&b, "RO", i.image.read_only ? "read-only" : "writable");
        line_time(&b, "Created", i.image.created_usec);
        line_time(&b, "Modified", i.image.modified_usec);
        buf_addf(&b, "%16s: %zu\n", "Snapshots", i.n_snapshots);
        line_bytes(&b, "Usage", i.usage.used, i.usage.exclusive);
        line_bytes(&b, "Limit", i.usage.limit, i.usage.exclusive_limit);
        machine_image_done(&i);
        return cli_print(&b, e);
}

static int status_pool(Cli *c, Error *e)
{
        _cleanup_buf_ Buf b = {0};
        MachinePool p;
        int r = machine_pool(&c->host, &p, e);
        if (r < 0)
                return r;
        line(&b, "Path", c->host.machines_dir);
        line(&b, "Driver", store_driver_name(p.driver));
        line_bytes(&b, "Usage", p.used, STORE_UNKNOWN);
        line_bytes(&b, "Limit", p.size, STORE_UNKNOWN);
        return cli_print(&b, e);
}

int cli_image_status(Cli *c, Error *e)
{
        return c->words ? cli_each(c, status_one) : status_pool(c, e);
}

/* ---- show-image ---- */

typedef struct Shower {
        Buf text;
        Json json;
} Shower;

static void show_str(Shower *s, const char *key, const char *value)
{
        buf_addf(&s->text, "%s=%s\n", key, value ?: "");
        json_field_str(&s->json, key, value);
}

static void show_uint(Shower *s, const char *key, uint64_t value)
{
        buf_addf(&s->text, "%s=%" PRIu64 "\n", key, value);
        if (value == STORE_UNKNOWN)
                json_field_str(&s->json, key, NULL);
        else
                json_field_uint(&s->json, key, value);
}

static int show_print(Cli *c, Shower *s, Error *e)
{
        json_close(&s->json, '}');
        buf_adds(&s->json.out, "\n");
        int r = c->options.json == FORMAT_OFF ? cli_print_properties(c, &s->text, e) : cli_print(&s->json.out, e);
        buf_done(&s->text);
        buf_done(&s->json.out);
        return r;
}

static int show_one(Cli *c, const char *name, Error *e)
{
        Shower s = {.json = {.pretty = c->options.json == FORMAT_PRETTY}};
        MachineImage i;
        int r = machine_image_info(&c->host, name, &i, e);
        if (r < 0)
                return r;
        json_open(&s.json, '{');
        show_str(&s, "Name", name);
        show_str(&s, "Path", i.image.path);
        show_str(&s, "Type", store_driver_type(i.image.driver));
        show_str(&s, "Driver", store_driver_name(i.image.driver));
        buf_addf(&s.text, "ReadOnly=%s\n", i.image.read_only ? "yes" : "no");
        json_field_bool(&s.json, "ReadOnly", i.image.read_only);
        show_uint(&s, "CreationTimestamp", i.image.created_usec);
        show_uint(&s, "ModificationTimestamp", i.image.modified_usec);
        show_uint(&s, "Snapshots", i.n_snapshots);
        show_uint(&s, "Usage", i.usage.used);
        show_uint(&s, "Limit", i.usage.limit);
        show_uint(&s, "UsageExclusive", i.usage.exclusive);
        show_uint(&s, "LimitExclusive", i.usage.exclusive_limit);
        machine_image_done(&i);
        return show_print(c, &s, e);
}

static int show_pool(Cli *c, Error *e)
{
        Shower s = {.json = {.pretty = c->options.json == FORMAT_PRETTY}};
        MachinePool p;
        int r = machine_pool(&c->host, &p, e);
        if (r < 0)
                return r;
        json_open(&s.json, '{');
        show_str(&s, "PoolPath", c->host.machines_dir);
        show_str(&s, "PoolDriver", store_driver_name(p.driver));
        show_uint(&s, "PoolUsage", p.used);
        show_uint(&s, "PoolLimit", p.size);
        return show_print(c, &s, e);
}

int cli_show_image(Cli *c, Error *e)
{
        if (c->options.json != FORMAT_OFF && (c->options.properties || c->options.value_only))
                return error_set(e, -EINVAL, "--json shows all properties; leave --property and --value out");
        return c->words ? cli_each(c, show_one) : show_pool(c, e);
}
