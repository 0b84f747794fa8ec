/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/strv.h"
#include "cli/cli.h"
#include "cli/table.h"
#include "machine/create-profile.h"

static int print_list(const MachineProfiles *p, const Options *o, Error *e)
{
        static const Column columns[] = {{"PROFILE", CELL_TEXT}, {"STATUS", CELL_TEXT}, {"CURRENT", CELL_BOOL}};
        Table t = {.columns = columns, .n_columns = ELEMENTSOF(columns), .noun = "profiles"};

        for (size_t i = 0; i < p->list.n; i++) {
                table_add(&t, p->list.items[i].name);
                table_add(&t, p->list.items[i].status);
                table_add(&t, p->list.items[i].current ? "yes" : "no");
        }
        int r = table_print(&t, o, e);
        table_done(&t);
        return r;
}

static int print_current(const Cli *c, const MachineProfiles *p, Error *e)
{
        _cleanup_buf_ Buf b = {0};

        if (!p->current)
                return error_set(e, -ENOENT, "machine '%s' has no profile; set one with 'berth profile %s set PROFILE'",
                                 c->words[0], c->words[0]);
        if (p->dangling)
                events_warning(&c->host.events, "the profile '%s' is in no repository that is there", p->current);
        buf_addf(&b, "%s\n", p->current);
        return cli_print(&b, e);
}

int cli_profile(Cli *c, Error *e)
{
        const char *what = strv_len(c->words) > 1 ? c->words[1] : "list", *set = strv_len(c->words) > 2 ? c->words[2] : NULL;
        bool list = str_eq(what, "list"), show = str_eq(what, "show");
        MachineProfiles p;

        if (str_eq(what, "set") ? !set : (set || (!list && !show)))
                return error_set(e, -EINVAL, "say 'berth profile %s list', 'show' or 'set PROFILE'", c->words[0]);
        int r = machine_profile(&c->host, c->words[0], set, &p, e);
        if (r < 0)
                return r;
        r = list ? print_list(&p, &c->options, e) : show ? print_current(c, &p, e) : 0;
        machine_profiles_done(&p);
        return r;
}
