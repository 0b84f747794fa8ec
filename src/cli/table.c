/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/table.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/str.h"
#include "cli/cli.h"

void table_add(Table *t, const char *cell)
{
        *vec_push(&t->cells) = xstrdup(cell);
}

void table_done(Table *t)
{
        for (size_t i = 0; i < t->cells.n; i++)
                free(t->cells.items[i]);
        free(t->cells.items);
        t->cells.items = NULL;
        t->cells.n = 0;
}

static const char *shown(const char *cell)
{
        return cell && *cell ? cell : "-";
}

static void pad(Buf *b, size_t n)
{
        while (n-- > 0)
                buf_adds(b, " ");
}

static void add_line(Buf *b, const Table *t, char *const *cells, const size_t *widths)
{
        for (size_t c = 0; c < t->n_columns; c++) {
                const char *text = cells ? shown(cells[c]) : t->columns[c].title;
                size_t fill = widths[c] - str_utf8_columns(text);
                bool right = t->columns[c].type == CELL_NUMBER, last = c + 1 == t->n_columns;
                pad(b, right ? fill : 0);
                buf_adds(b, text);
                pad(b, last ? 0 : 1 + (right ? 0 : fill));
        }
        buf_adds(b, "\n");
}

static void to_text(Buf *b, const Table *t, bool legend)
{
        size_t rows = t->cells.n / t->n_columns;
        _cleanup_free_ size_t *widths = xnew(size_t, t->n_columns);

        if (rows == 0) {
                if (legend)
                        buf_addf(b, "No %s.\n", t->noun);
                return;
        }
        for (size_t c = 0; c < t->n_columns; c++)
                widths[c] = legend ? str_utf8_columns(t->columns[c].title) : 0;
        for (size_t i = 0; i < t->cells.n; i++)
                widths[i % t->n_columns] = MAX(widths[i % t->n_columns], str_utf8_columns(shown(t->cells.items[i])));
        if (legend)
                add_line(b, t, NULL, widths);
        for (size_t r = 0; r < rows; r++)
                add_line(b, t, t->cells.items + r * t->n_columns, widths);
        if (legend)
                buf_addf(b, "\n%zu %s listed.\n", rows, t->noun);
}

static void add_json_cell(Json *j, const Column *column, const char *cell)
{
        _cleanup_free_ char *key = xstrdup(column->title);
        uint64_t number;
        for (char *p = key; *p; p++)
                *p = (char)tolower((unsigned char)*p);
        json_key(j, key);
        if (!cell || !*cell)
                json_str(j, NULL);
        else if (column->type == CELL_BOOL)
                json_bool(j, str_parse_bool(cell) > 0);
        else if (column->type == CELL_NUMBER && str_parse_u64(cell, &number) >= 0)
                json_uint(j, number);
        else
                json_str(j, cell);
}

static void to_json(Buf *b, const Table *t, bool pretty)
{
        Json j = {.pretty = pretty};
        json_open(&j, '[');
        for (size_t i = 0; i < t->cells.n; i++) {
                if (i % t->n_columns == 0)
                        json_open(&j, '{');
                add_json_cell(&j, t->columns + i % t->n_columns, t->cells.items[i]);
                if ((i + 1) % t->n_columns == 0)
                        json_close(&j, '}');
        }
        json_close(&j, ']');
        buf_append(b, j.out.data, j.out.len);
        buf_adds(b, "\n");
        buf_done(&j.out);
}

int table_print(const Table *t, const Options *o, Error *e)
{
        _cleanup_buf_ Buf b = {0};
        if (o->json != FORMAT_OFF)
                to_json(&b, t, o->json == FORMAT_PRETTY);
        else
                to_text(&b, t, !o->no_legend);
        return cli_print(&b, e);
}
