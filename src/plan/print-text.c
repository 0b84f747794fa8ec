/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The plan as text. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/strv.h"
#include "plan/print.h"
#include "spec/value.h"

/* As a shell would take it, so that blanks and control characters stay visible. */
static void text_word(Buf *out, const char *s)
{
        bool plain = *s != '\0';

        for (const char *c = s; *c; c++)
                plain = plain &&
                        ((*c >= '+' && *c <= ':') || (*c >= '@' && *c <= 'Z') || (*c >= 'a' && *c <= 'z') || strchr("_=%", *c));
        if (plain) {
                buf_adds(out, s);
                return;
        }
        buf_adds(out, "\"");
        for (const unsigned char *c = (const unsigned char *)s; *c; c++) {
                if (*c == '\n')
                        buf_adds(out, "\\n");
                else if (*c < ' ' || *c == 0x7f)
                        buf_addf(out, "\\x%02x", *c);
                else
                        buf_addf(out, *c == '"' || *c == '\\' ? "\\%c" : "%c", *c);
        }
        buf_adds(out, "\"");
}

static void text_cell(Buf *out, Column column, const Cell *cell)
{
        bool lines = column == COLUMN_ENV || column == COLUMN_RULES; /* long words: one a line */
        const char *separator = "";

        if (column == COLUMN_PATH) {
                buf_adds(out, " ");
                text_word(out, cell->text);
                return;
        }
        if (!lines)
                buf_addf(out, " %s", print_columns[column].name);
        if (cell->is_flag)
                return;
        if (!lines)
                buf_adds(out, column == COLUMN_ARGV ? "=[" : "=");
        if (cell->text)
                text_word(out, cell->text);
        STRV_FOREACH (w, cell->words) {
                if (lines)
                        buf_addf(out, "\n    %s ", print_columns[column].name);
                else
                        buf_adds(out, separator);
                text_word(out, *w);
                separator = column == COLUMN_ARGV ? " " : ",";
        }
        if (column == COLUMN_ARGV)
                buf_adds(out, "]");
}

static void text_op(Buf *out, const PlanOp *op)
{
        buf_addf(out, "  %s", print_ops[op->type].name);
        for (Column c = 0; c < _COLUMN_MAX; c++) {
                if (!print_has_column(op, c))
                        continue;
                _cleanup_(print_cell_done) Cell cell = print_columns[c].get(op);
                if (cell.text || cell.is_list || cell.is_flag)
                        text_cell(out, c, &cell);
        }
        buf_adds(out, "\n");
}

static void text_signal(Buf *out, const char *name, int signal)
{
        _cleanup_free_ char *text = signal > 0 ? value_signal_to_name(signal) : xstrdup("none");

        buf_addf(out, "  %s %s\n", name, text);
}

static void text_map(Buf *out, const char *name, const SpecIdRanges *map)
{
        for (size_t i = 0; i < map->n; i++)
                buf_addf(out, "  %s %u:%u:%u\n", name, map->items[i].inside, map->items[i].outside, map->items[i].count);
}

static void text_journal(Buf *out, const PlanJournal *j)
{
        buf_addf(out, "  journal %s owner=%u:%u argv=[", j->socket, j->uid, j->gid);
        STRV_FOREACH (word, j->argv) {
                buf_adds(out, word == j->argv ? "" : " ");
                text_word(out, *word);
        }
        buf_adds(out, "]\n");
        STRV_FOREACH (line, j->config)
                buf_addf(out, "    config %s\n", *line);
}

static void text_head(Buf *out, const MachinePlan *p)
{
        _cleanup_strv_ char **namespaces = print_namespaces(p->namespaces);
        _cleanup_free_ char *joined = strv_join(namespaces, ",");

        buf_addf(out, "machine %s\n  namespaces %s\n", p->name, joined);
        if (p->rootless)
                buf_adds(out, "  rootless\n");
        for (size_t i = 0; i < p->joins.n; i++) {
                _cleanup_strv_ char **type = print_namespaces(p->joins.items[i].type);
                buf_addf(out, "  join %s %s\n", type ? *type : "", p->joins.items[i].path);
        }
        STRV_FOREACH (line, p->time_offsets)
                buf_addf(out, "  time-offset %s\n", *line);
        if (p->user_namespace && p->uids.n == 0)
                buf_addf(out, "  ids 0:%u:%u\n", p->id_base, p->id_count);
        text_map(out, "uids", &p->uids);
        text_map(out, "gids", &p->gids);
        if (p->network_namespace)
                buf_addf(out, "  network-namespace %s\n", p->network_namespace);
        if (p->cgroup)
                buf_addf(out, "  cgroup %s\n", p->cgroup);
        buf_addf(out, "  console %s\n", value_console_to_name(p->console));
        if (p->boot)
                buf_addf(out, "  init %s\n", plan_init_name(p->init_kind));
        text_signal(out, "stop-signal", p->stop_signal);
        text_signal(out, "reboot-signal", p->reboot_signal);
        if (p->stop_timeout_usec == UINT64_MAX)
                buf_adds(out, "  stop-timeout infinity\n");
        else
                buf_addf(out, "  stop-timeout %llums\n", (unsigned long long)(p->stop_timeout_usec / 1000));
        if (p->notify_ready)
                buf_adds(out, "  notify-ready\n");
        if (p->restart_outside)
                buf_adds(out, "  restart-outside\n");
        if (p->rows)
                buf_addf(out, "  console-size %ux%u\n", p->columns, p->rows);
        STRV_FOREACH (w, p->warnings)
                buf_addf(out, "  warning %s\n", *w);
        if (p->journal.argv)
                text_journal(out, &p->journal);
        if (p->background)
                buf_addf(out, "  background %s\n", p->background);
        if (p->quiet)
                buf_adds(out, "  quiet\n");
}

char *plan_to_text(const MachinePlan *p)
{
        Buf out = {};

        if (p->namespaces)
                text_head(&out, p);
        for (PlanPhase phase = 0; phase < _PHASE_MAX; phase++) {
                bool headed = false;
                for (size_t i = 0; i < p->n; i++) {
                        if (p->items[i].phase != phase)
                                continue;
                        if (!headed)
                                buf_addf(&out, "%s\n", print_phases[phase]);
                        headed = true;
                        text_op(&out, &p->items[i]);
                }
        }
        return buf_take(&out);
}
