/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/cli.h"
#include "cli/table.h"

int cli_check(Cli *c, Error *e)
{
        static const Column columns[] = {{"WHAT", CELL_TEXT}, {"STATE", CELL_TEXT}, {"DETAIL", CELL_TEXT}};
        Table t = {.columns = columns, .n_columns = ELEMENTSOF(columns), .noun = "features"};
        MachineCheck *rows;
        size_t n;
        int r = machine_check(&c->host, &rows, &n);
        if (r < 0)
                return error_sys(e, r, "cannot check this host");
        for (size_t i = 0; i < n; i++) {
                table_add(&t, rows[i].name);
                table_add(&t, rows[i].ok ? "ok" : rows[i].needed ? "MISSING" : "missing");
                table_add(&t, rows[i].detail);
                if (!rows[i].ok && rows[i].needed)
                        c->status = 1;
        }
        machine_check_free(rows, n);
        r = table_print(&t, &c->options, e);
        table_done(&t);
        return r;
}
