/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "cli/cli.h"
#include "cli/table.h"

static int print(Cli *c, Table *t, Error *e)
{
        int r = table_print(t, &c->options, e);
        table_done(t);
        return r;
}

/* machinectl shows one, and that there are more; 0 leaves the column out. */
static char *addresses_text(const Cli *c, const Machine *m)
{
        size_t max = c->machinectl && !c->given[OPTION_MAX_ADDRESSES] ? 1 : c->options.max_addresses, n = 0;
        _cleanup_strv_ char **shown = NULL;

        STRV_FOREACH (address, m->addresses)
                if (n++ < max)
                        strv_push(&shown, *address);
        char *text = shown ? strv_join(shown, " ") : NULL;
        if (!text || n <= max)
                return text;
        char *cut = xasprintf("%s…", text);
        free(text);
        return cut;
}

static void add_machine(const Cli *c, Table *t, const Machine *m)
{
        _cleanup_free_ char *addresses = addresses_text(c, m);

        table_add(t, m->name);
        table_add(t, m->class);
        table_add(t, m->service);
        table_add(t, m->os_id);
        table_add(t, m->os_version);
        if (t->n_columns > 5)
                table_add(t, addresses);
}

int cli_list(Cli *c, Error *e)
{
        static const Column columns[] = {{"MACHINE", CELL_TEXT}, {"CLASS", CELL_TEXT},   {"SERVICE", CELL_TEXT},
                                         {"OS", CELL_TEXT},      {"VERSION", CELL_TEXT}, {"ADDRESSES", CELL_TEXT}};
        Table t = {.columns = columns, .n_columns = ELEMENTSOF(columns), .noun = "machines"};
        t.n_columns -= c->options.max_addresses == 0;
        Machine *v;
        size_t n;
        int r = machine_list(&c->host, true, &v, &n, e);
        if (r < 0)
                return r;
        for (size_t i = 0; i < n; i++)
                add_machine(c, &t, v + i);
        if (c->machinectl && c->options.all) {
                Machine host = {0};
                machine_self(&host);
                add_machine(c, &t, &host);
                machine_done(&host);
        }
        machine_list_free(v, n);
        return print(c, &t, e);
}

static void add_time(Table *t, uint64_t usec)
{
        char text[64];
        table_add(t, usec ? str_format_time(text, sizeof(text), usec) : NULL);
}

int cli_images(Cli *c, Error *e)
{
        static const Column columns[] = {{"NAME", CELL_TEXT},  {"TYPE", CELL_TEXT},    {"RO", CELL_BOOL},
                                         {"STATE", CELL_TEXT}, {"CREATED", CELL_TEXT}, {"MODIFIED", CELL_TEXT}};
        Table t = {.columns = columns, .n_columns = ELEMENTSOF(columns), .noun = "images"};
        StoreImage *v;
        size_t n;
        int r = machine_images(&c->host, &v, &n, e);
        if (r < 0)
                return r;
        for (size_t i = 0; i < n; i++) {
                Machine m = {0};
                table_add(&t, v[i].name);
                table_add(&t, store_driver_name(v[i].driver));
                table_add(&t, v[i].read_only ? "yes" : "no");
                table_add(&t, machine_find(&c->host, v[i].name, &m, NULL) >= 0 ? machine_state(&m) : NULL);
                add_time(&t, v[i].created_usec);
                add_time(&t, v[i].modified_usec);
                machine_done(&m);
        }
        store_images_free(v, n);
        return print(c, &t, e);
}

int cli_snapshots(Cli *c, Error *e)
{
        static const Column columns[] = {{"SNAPSHOT", CELL_TEXT}, {"CREATED", CELL_TEXT}, {"SET", CELL_TEXT}};
        Table t = {.columns = columns, .n_columns = ELEMENTSOF(columns), .noun = "snapshots"};
        StoreSnapshot *v;
        size_t n;
        int r = machine_snapshots(&c->host, c->words[0], &v, &n, e);
        if (r < 0)
                return r;
        for (size_t i = 0; i < n; i++) {
                _cleanup_strv_ char **set = machine_snapshot_set_of(&c->host, c->words[0], v[i].name);
                _cleanup_free_ char *machines = set ? strv_join(set, " ") : NULL;
                table_add(&t, v[i].name);
                add_time(&t, v[i].created_usec);
                table_add(&t, machines);
        }
        store_snapshots_free(v, n);
        return print(c, &t, e);
}
