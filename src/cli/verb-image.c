/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "cli/cli.h"

static int usage(const Cli *c, Error *e)
{
        return error_set(e, -EINVAL, "usage: berth %s %s", c->verb->name, c->verb->arguments);
}

int cli_snapshot(Cli *c, Error *e)
{
        const Options *o = &c->options;
        if (o->set && o->keep_rule)
                return error_set(e, -EINVAL, "--keep names its snapshots by the time, --set by the set: give one of them");
        if (o->set)
                return machine_snapshot_set(&c->host, c->words, o->set, e);
        if (o->keep_rule)
                return machine_snapshot_keep(&c->host, c->words, o->keep_rule, e);
        if (!c->words[1] || c->words[2])
                return usage(c, e);
        return machine_snapshot(&c->host, c->words[0], c->words[1], e);
}

int cli_clone(Cli *c, Error *e)
{
        StoreDriverId driver = _STORE_DRIVER_INVALID;
        int r = c->options.driver ? store_driver_from_name(c->options.driver, &driver, e) : 0;
        if (r >= 0)
                r = machine_clone(&c->host, c->words[0], c->words[1], c->options.same, driver, e);
        return r >= 0 && c->options.read_only ? machine_read_only(&c->host, c->words[1], true, e) : r;
}

int cli_convert(Cli *c, Error *e)
{
        StoreDriverId driver;
        if (!c->options.driver)
                return error_set(e, -EINVAL, "--driver= says what '%s' shall be stored by", c->words[0]);
        int r = store_driver_from_name(c->options.driver, &driver, e);
        return r < 0 ? r : machine_convert(&c->host, c->words[0], driver, !c->options.without_snapshots, e);
}

static int flatten_one(Cli *c, const char *name, Error *e)
{
        return machine_flatten(&c->host, name, e);
}

int cli_flatten(Cli *c, Error *e)
{
        return cli_each(c, flatten_one);
}

int cli_rollback(Cli *c, Error *e)
{
        bool two = c->words && c->words[0] && c->words[1];
        if (c->options.set ? (c->words != NULL) : !two)
                return usage(c, e);
        if (c->options.set)
                return machine_rollback_set(&c->host, c->options.set, c->options.restart, e);
        return machine_rollback(&c->host, c->words[0], c->words[1], c->options.restart, e);
}

static int remove_one(Cli *c, const char *name, Error *e)
{
        const char *at = strchr(name, '@');
        if (!at)
                return machine_remove(&c->host, name, e);
        _cleanup_free_ char *machine = xstrndup(name, (size_t)(at - name));
        return machine_snapshot_remove(&c->host, machine, at + 1, e);
}

int cli_remove(Cli *c, Error *e)
{
        if (c->options.set ? (c->words && c->words[0]) : !(c->words && c->words[0]))
                return usage(c, e);
        return c->options.set ? machine_remove_set(&c->host, c->options.set, e) : cli_each(c, remove_one);
}

int cli_rename(Cli *c, Error *e)
{
        return machine_rename(&c->host, c->words[0], c->words[1], e);
}

int cli_read_only(Cli *c, Error *e)
{
        int on = c->words[1] ? str_parse_bool(c->words[1]) : 1;
        if (on < 0)
                return error_set(e, on, "'%s' is neither yes nor no", c->words[1]);
        return machine_read_only(&c->host, c->words[0], on, e);
}

int cli_set_limit(Cli *c, Error *e)
{
        const char *text = c->words[1];
        uint64_t bytes = STORE_UNKNOWN;
        if (!str_eq(text, "-") && !str_eq(text, "none") && (str_parse_size(text, &bytes) < 0 || bytes == 0))
                return error_set(e, -EINVAL, "'%s' is no size: bytes, with K, M, G or T behind, or '-' for no limit", text);
        return machine_set_limit(&c->host, c->words[0], bytes, e);
}
