/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/table.h"
#include "machine/create.h"

static int import_request(const Cli *c, ImportRequest *ret, Error *e)
{
        const Options *o = &c->options;
        *ret = (ImportRequest){
                        .source = c->words[0],
                        .name = c->words[1],
                        .driver = _STORE_DRIVER_INVALID,
                        .limit = o->limit,
                        .force = o->force,
                        .read_only = o->read_only,
        };
        return o->driver ? store_driver_from_name(o->driver, &ret->driver, e) : 0;
}

int cli_import_tar(Cli *c, Error *e)
{
        ImportRequest q;
        int r = import_request(c, &q, e);
        return r < 0 ? r : machine_import_tar(&c->host, &q, e);
}

int cli_import_raw(Cli *c, Error *e)
{
        ImportRequest q;
        int r = import_request(c, &q, e);
        return r < 0 ? r : machine_import_raw(&c->host, &q, e);
}

int cli_import_fs(Cli *c, Error *e)
{
        ImportRequest q;
        int r = import_request(c, &q, e);
        return r < 0 ? r : machine_import_fs(&c->host, &q, e);
}

static int pull(Cli *c, int (*machine_pull)(const MachineHost *h, const PullRequest *q, Error *e), Error *e)
{
        const Options *o = &c->options;
        PullRequest q = {
                        .source = c->words[0],
                        .name = c->words[1],
                        .verify = (PullVerify)o->verify, /* the same three words in the same order */
                        .keyrings = o->keyrings,
                        .driver = _STORE_DRIVER_INVALID,
                        .limit = o->limit,
                        .read_only = o->read_only,
                        .force = o->force,
                        .no_keep_download = o->no_keep_download,
        };
        int r = o->driver ? store_driver_from_name(o->driver, &q.driver, e) : 0;
        return r < 0 ? r : machine_pull(&c->host, &q, e);
}

int cli_pull_tar(Cli *c, Error *e)
{
        return pull(c, machine_pull_tar, e);
}

int cli_pull_raw(Cli *c, Error *e)
{
        return pull(c, machine_pull_raw, e);
}

static int export(Cli *c, int (*machine_export)(const MachineHost *h, const ExportRequest *q, Error *e), Error *e)
{
        const char *at = strchr(c->words[0], '@'), *file = c->words[1];
        _cleanup_free_ char *name = at ? xstrndup(c->words[0], (size_t)(at - c->words[0])) : xstrdup(c->words[0]);
        ExportRequest q = {
                        .name = name,
                        .snapshot = at ? at + 1 : NULL,
                        .file = str_eq(file, "-") ? NULL : file,
                        .force = c->options.force,
        };
        if (q.file)
                q.compression = pack_compression_of(q.file);
        int r = c->options.format ? pack_compression_from_name(c->options.format, &q.compression, e) : 0;
        return r < 0 ? r : machine_export(&c->host, &q, e);
}

int cli_export_tar(Cli *c, Error *e)
{
        return export(c, machine_export_tar, e);
}

int cli_export_raw(Cli *c, Error *e)
{
        return export(c, machine_export_raw, e);
}

int cli_send(Cli *c, Error *e)
{
        const char *at = strchr(c->words[0], '@');
        _cleanup_free_ char *name = at ? xstrndup(c->words[0], (size_t)(at - c->words[0])) : xstrdup(c->words[0]);
        return machine_send(&c->host, &(SendRequest){.name = name, .snapshot = at ? at + 1 : NULL, .from = c->options.from}, e);
}

int cli_receive(Cli *c, Error *e)
{
        const Options *o = &c->options;
        ReceiveRequest q = {
                        .name = c->words[0],
                        .file = str_eq(c->words[1], "-") ? NULL : c->words[1],
                        .driver = _STORE_DRIVER_INVALID,
                        .limit = o->limit,
                        .force = o->force,
        };
        int r = o->driver ? store_driver_from_name(o->driver, &q.driver, e) : 0;
        return r < 0 ? r : machine_receive(&c->host, &q, e);
}

/* importctl's columns; CLASS is always that of machines. */
int cli_list_transfers(Cli *c, Error *e)
{
        static const Column columns[] = {{"ID", CELL_NUMBER},  {"PROGRESS", CELL_TEXT}, {"TYPE", CELL_TEXT},
                                         {"CLASS", CELL_TEXT}, {"LOCAL", CELL_TEXT},    {"REMOTE", CELL_TEXT}};
        Table t = {.columns = columns, .n_columns = ELEMENTSOF(columns), .noun = "transfers"};
        Transfer *v;
        size_t n;
        machine_transfers(&c->host, &v, &n);
        for (size_t i = 0; i < n; i++) {
                char id[16], percent[32];
                snprintf(id, sizeof(id), "%u", v[i].id);
                snprintf(percent, sizeof(percent), "%u%%",
                         v[i].total ? (unsigned)(MIN(v[i].done, v[i].total) * 100.0 / (double)v[i].total) : 0);
                table_add(&t, id);
                table_add(&t, v[i].total ? percent : NULL);
                table_add(&t, v[i].type);
                table_add(&t, "machine");
                table_add(&t, *v[i].local ? v[i].local : NULL);
                table_add(&t, *v[i].remote ? v[i].remote : NULL);
                transfer_done(&v[i]);
        }
        free(v);
        int r = table_print(&t, &c->options, e);
        table_done(&t);
        return r;
}

static int cancel_one(Cli *c, const char *id, Error *e)
{
        return machine_transfer_cancel(&c->host, id, e);
}

int cli_cancel_transfer(Cli *c, Error *e)
{
        return cli_each(c, cancel_one);
}
