/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/cli.h"
#include "cli/table.h"

/* Of fsck(8). */
#define STATUS_REPAIRED 1
#define STATUS_LEFT     4
#define STATUS_FAILED   8

int cli_fsck(Cli *c, Error *e)
{
        static const Column columns[] = {{"WHAT", CELL_TEXT}, {"NAME", CELL_TEXT}, {"STATE", CELL_TEXT}, {"DETAIL", CELL_TEXT}};
        Table t = {.columns = columns, .n_columns = ELEMENTSOF(columns), .noun = "problems"};
        StoreProblems found;
        int r = machine_fsck(&c->host, c->words ? c->words[0] : NULL, c->options.repair, &found, e);
        c->failed_status = STATUS_FAILED;
        for (size_t i = 0; i < found.n && r >= 0; i++) {
                const StoreProblem *p = &found.items[i];
                table_add(&t, p->what);
                table_add(&t, p->name);
                table_add(&t, p->repaired ? "repaired" : "left");
                table_add(&t, p->detail);
                c->status |= p->repaired ? STATUS_REPAIRED : STATUS_LEFT;
        }
        store_problems_done(&found);
        if (r >= 0)
                r = table_print(&t, &c->options, e);
        table_done(&t);
        return r;
}
