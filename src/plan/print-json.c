/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The plan as JSON. */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/strv.h"
#include "plan/print.h"
#include "spec/value.h"

static bool is_numeric(Column c)
{
        return c == COLUMN_SLOT || c == COLUMN_SCORE || c == COLUMN_UID || c == COLUMN_GID || c == COLUMN_PERSONALITY ||
               c == COLUMN_BASE || c == COLUMN_TIMEOUT || c == COLUMN_BYTES || c == COLUMN_DISK_BASE || c == COLUMN_MTU ||
               c == COLUMN_PORT || c == COLUMN_PORT_INSIDE;
}

static void json_op(Json *j, const PlanOp *op)
{
        json_open(j, '{');
        json_field_str(j, "phase", print_phases[op->phase]);
        json_field_str(j, "op", print_ops[op->type].name);
        for (Column c = 0; c < _COLUMN_MAX; c++) {
                if (!print_has_column(op, c))
                        continue;
                _cleanup_(print_cell_done) Cell cell = print_columns[c].get(op);
                if (cell.is_list)
                        json_field_strv(j, print_columns[c].name, cell.words);
                else if (cell.is_flag)
                        json_field_bool(j, print_columns[c].name, true);
                else if (cell.text && is_numeric(c))
                        json_field_int(j, print_columns[c].name, strtoll(cell.text, NULL, 10));
                else if (cell.text)
                        json_field_str(j, print_columns[c].name, cell.text);
        }
        json_close(j, '}');
}

static void json_signal(Json *j, const char *name, int signal)
{
        _cleanup_free_ char *text = signal > 0 ? value_signal_to_name(signal) : NULL;

        json_field_str(j, name, text);
}

static void json_map(Json *j, const char *name, const SpecIdRanges *map)
{
        if (map->n == 0)
                return;
        json_key(j, name);
        json_open(j, '[');
        for (size_t i = 0; i < map->n; i++) {
                json_open(j, '{');
                json_field_uint(j, "inside", map->items[i].inside);
                json_field_uint(j, "outside", map->items[i].outside);
                json_field_uint(j, "count", map->items[i].count);
                json_close(j, '}');
        }
        json_close(j, ']');
}

static void json_journal(Json *j, const PlanJournal *journal)
{
        json_key(j, "journal");
        json_open(j, '{');
        json_field_str(j, "socket", journal->socket);
        json_field_uint(j, "uid", journal->uid);
        json_field_uint(j, "gid", journal->gid);
        json_field_strv(j, "argv", journal->argv);
        if (journal->config)
                json_field_strv(j, "config", journal->config);
        json_close(j, '}');
}

void plan_to_json(const MachinePlan *p, Json *j)
{
        _cleanup_strv_ char **namespaces = print_namespaces(p->namespaces);

        json_open(j, '{');
        json_field_str(j, "machine", p->name);
        json_field_strv(j, "namespaces", namespaces);
        json_field_bool(j, "user_namespace", p->user_namespace);
        if (p->rootless)
                json_field_bool(j, "rootless", true);
        if (p->user_namespace) {
                json_field_uint(j, "id_base", p->id_base);
                json_field_uint(j, "id_count", p->id_count);
        }
        if (p->joins.n > 0) {
                json_key(j, "joins");
                json_open(j, '{');
                for (size_t i = 0; i < p->joins.n; i++) {
                        _cleanup_strv_ char **type = print_namespaces(p->joins.items[i].type);
                        json_field_str(j, type ? *type : "", p->joins.items[i].path);
                }
                json_close(j, '}');
        }
        if (p->time_offsets)
                json_field_strv(j, "time_offsets", p->time_offsets);
        if (p->rows) {
                json_field_uint(j, "console_rows", p->rows);
                json_field_uint(j, "console_columns", p->columns);
        }
        if (p->warnings)
                json_field_strv(j, "warnings", p->warnings);
        json_map(j, "uids", &p->uids);
        json_map(j, "gids", &p->gids);
        if (p->network_namespace)
                json_field_str(j, "network_namespace", p->network_namespace);
        json_field_str(j, "cgroup", p->cgroup);
        json_field_str(j, "console", value_console_to_name(p->console));
        json_field_bool(j, "boot", p->boot);
        json_field_str(j, "init", plan_init_name(p->init_kind));
        json_signal(j, "stop_signal", p->stop_signal);
        json_signal(j, "reboot_signal", p->reboot_signal);
        json_field_uint(j, "stop_timeout_usec", p->stop_timeout_usec);
        json_field_bool(j, "notify_ready", p->notify_ready);
        json_field_bool(j, "quiet", p->quiet);
        if (p->restart_outside)
                json_field_bool(j, "restart_outside", true);
        if (p->journal.argv)
                json_journal(j, &p->journal);
        if (p->background)
                json_field_str(j, "background", p->background);
        json_key(j, "operations");
        json_open(j, '[');
        for (size_t i = 0; i < p->n; i++)
                json_op(j, &p->items[i]);
        json_close(j, ']');
        json_close(j, '}');
}
