/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/str.h"
#include "base/strv.h"
#include "cli/cli.h"
#include "cli/table.h"

static int create(Cli *c, char **words, Error *e)
{
        const Options *o = &c->options;

        if (!o->uplink)
                return error_set(e, -EINVAL, "--uplink= is missing: the host's interface that leads to the LAN");
        return machine_lan_create(&c->host,
                                  &(MachineLan){.name = words[0],
                                                .uplink = o->uplink,
                                                .macvlan = str_eq(o->type, "macvlan"),
                                                .dhcp = o->dhcp,
                                                .take_over = o->take_over,
                                                .accept_ra = o->accept_ra,
                                                .vlans = o->vlans,
                                                .addresses = o->addresses,
                                                .gateways = o->gateways},
                                  e);
}

static void add_words(Table *t, char *const *words)
{
        _cleanup_free_ char *text = words ? strv_join(words, " ") : NULL;
        table_add(t, text);
}

static int list(Cli *c, char **words, Error *e)
{
        static const Column columns[] = {{"NETWORK", CELL_TEXT}, {"TYPE", CELL_TEXT},      {"UPLINK", CELL_TEXT},
                                         {"STATE", CELL_TEXT},   {"ADDRESSES", CELL_TEXT}, {"PORTS", CELL_TEXT}};
        Table t = {.columns = columns, .n_columns = ELEMENTSOF(columns), .noun = "networks"};
        MachineLan *v;
        size_t n;
        int r = machine_lans(&c->host, &v, &n, e);

        if (r < 0)
                return r;
        for (size_t i = 0; i < n; i++) {
                table_add(&t, v[i].name);
                table_add(&t, v[i].macvlan ? "macvlan" : "bridge");
                table_add(&t, v[i].uplink);
                table_add(&t, v[i].there ? "up" : "down");
                add_words(&t, v[i].has);
                add_words(&t, v[i].ports);
        }
        machine_lans_free(v, n);
        r = table_print(&t, &c->options, e);
        table_done(&t);
        return r;
}

static void line(Buf *b, const char *key, char *const *words)
{
        _cleanup_free_ char *text = words ? strv_join(words, " ") : NULL;
        buf_addf(b, "%s=%s\n", key, text ?: "");
}

static int show(Cli *c, char **words, Error *e)
{
        _cleanup_buf_ Buf b = {0};
        MachineLan l;
        int r = machine_lan_find(&c->host, words[0], &l, e);

        if (r < 0)
                return r;
        buf_addf(&b, "Name=%s\nType=%s\nUplink=%s\nState=%s\n", l.name, l.macvlan ? "macvlan" : "bridge", l.uplink,
                 l.there ? "up" : "down");
        buf_addf(&b, "TakeOver=%s\nDHCP=%s\nAcceptRA=%s\nVLAN=%s\n", l.take_over ? "yes" : "no", l.dhcp ? "yes" : "no",
                 l.accept_ra ? "yes" : "no", l.vlans ?: "");
        line(&b, "Address", l.addresses);
        line(&b, "Gateway", l.gateways);
        line(&b, "CurrentAddresses", l.has);
        line(&b, "Ports", l.ports);
        machine_lan_done(&l);
        return cli_print(&b, e);
}

static int delete_one(Cli *c, const char *name, Error *e)
{
        return machine_lan_delete(&c->host, name, e);
}

static int delete (Cli *c, char **words, Error *e)
{
        int result = 0;

        STRV_FOREACH (w, words) {
                Error error = {};
                if (delete_one(c, *w, &error) >= 0)
                        continue;
                cli_print_error(c, &error);
                result = -EIO;
        }
        return result;
}

static int up(Cli *c, char **words, Error *e)
{
        return machine_lan_up(&c->host, *words ? words : NULL, e);
}

static const struct {
        const char *name;
        size_t min, max;
        bool options; /* of networks, and not of tables */
        int (*run)(Cli *c, char **words, Error *e);
} actions[] = {
                {"list", 0, 0, false, list},    {"create", 1, 1, true, create},
                {"show", 1, 1, false, show},    {"delete", 1, SIZE_MAX, false, delete},
                {"up", 0, SIZE_MAX, false, up},
};

static bool any_option(const Options *o)
{
        return o->uplink || o->type || o->vlans || o->addresses || o->gateways || o->dhcp || o->take_over || o->accept_ra;
}

int cli_network(Cli *c, Error *e)
{
        const char *what = c->words ? c->words[0] : "list";
        char *none[] = {NULL}, **words = c->words ? c->words + 1 : none;

        for (size_t i = 0; i < ELEMENTSOF(actions); i++) {
                if (!str_eq(actions[i].name, what))
                        continue;
                if (strv_len(words) < actions[i].min || strv_len(words) > actions[i].max)
                        break;
                if (!actions[i].options && any_option(&c->options))
                        return error_set(e, -EINVAL, "'berth network %s' takes none of the options of 'create'", what);
                return actions[i].run(c, words, e);
        }
        return error_set(e, -EINVAL,
                         "say 'berth network list', 'create NAME --uplink=INTERFACE', 'show NAME', 'delete NAME…' or 'up "
                         "[NAME…]'");
}
