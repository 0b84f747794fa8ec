/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The value types whose values are words. */

#include <assert.h>
#include <errno.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "spec/value.h"

static const char *const users_names[] = {
                [SPEC_USERS_NO] = "no",     [SPEC_USERS_OWNER] = "yes",
                [SPEC_USERS_PICK] = "pick", [SPEC_USERS_IDENTITY] = "identity",
                [SPEC_USERS_FIXED] = NULL,
};
static const char *const network_names[] = {[SPEC_NETWORK_HOST] = "host", [SPEC_NETWORK_PRIVATE] = "private", NULL};
static const char *const console_names[] = {
                [SPEC_CONSOLE_INTERACTIVE] = "interactive", [SPEC_CONSOLE_READ_ONLY] = "read-only",
                [SPEC_CONSOLE_PASSIVE] = "passive",         [SPEC_CONSOLE_PIPE] = "pipe",
                [SPEC_CONSOLE_AUTOPIPE] = "autopipe",       NULL,
};
static const char *const idmap_names[] = {
                [SPEC_IDMAP_NONE] = "noidmap",
                [SPEC_IDMAP_FULL] = "idmap",
                [SPEC_IDMAP_ROOT] = "rootidmap",
                [SPEC_IDMAP_OWNER] = "owneridmap",
};
static_assert(ELEMENTSOF(users_names) == _SPEC_USERS_MAX && ELEMENTSOF(network_names) == _SPEC_NETWORK_MAX + 1 &&
                              ELEMENTSOF(console_names) == _SPEC_CONSOLE_MAX + 1 && ELEMENTSOF(idmap_names) == _SPEC_IDMAP_MAX,
              "every value has a word");

const char *value_users_to_name(SpecUsers users)
{
        return users >= 0 && users < _SPEC_USERS_MAX ? users_names[users] : NULL;
}
const char *value_network_to_name(SpecNetwork network)
{
        return network >= 0 && network < _SPEC_NETWORK_MAX ? network_names[network] : NULL;
}
const char *value_console_to_name(SpecConsole console)
{
        return console >= 0 && console < _SPEC_CONSOLE_MAX ? console_names[console] : NULL;
}
const char *value_idmap_to_name(SpecIdmap idmap)
{
        return idmap >= 0 && idmap < _SPEC_IDMAP_MAX ? idmap_names[idmap] : NULL;
}

/* BASE[:COUNT] */
static int users_parse_fixed(MachineSpec *s, const char *text, Error *e)
{
        const char *colon = strchr(text, ':');
        _cleanup_free_ char *base_text = colon ? xstrndup(text, (size_t)(colon - text)) : xstrdup(text);
        uint32_t base, count = 65536;

        if (str_parse_u32(base_text, &base) < 0 || (colon && str_parse_u32(colon + 1, &count) < 0))
                return error_set(e, -EINVAL, "'%s' is no choice of user namespace; use no, yes, pick, identity or BASE[:COUNT]",
                                 text);
        if (count == 0 || base > UINT32_MAX - count)
                return error_set(e, -EINVAL, "the ID range '%s' is empty or goes past the last ID, %u", text, UINT32_MAX - 1);
        s->users = SPEC_USERS_FIXED;
        s->users_base = base;
        s->users_count = count;
        return 0;
}
static int users_parse(MachineSpec *s, SpecField f, ValueVariant variant, const char *text, Error *e)
{
        int r = value_find_name(users_names, ELEMENTSOF(users_names), text);

        if (r < 0 && str_eq(text, "managed")) /* 262: a range of a registry; berth's own keeps one for each machine */
                r = SPEC_USERS_PICK;
        if (r < 0 && str_parse_bool(text) >= 0) /* "0" and "1" too are booleans here, as for systemd-nspawn */
                r = str_parse_bool(text) ? SPEC_USERS_OWNER : SPEC_USERS_NO;
        if (r < 0)
                return users_parse_fixed(s, text, e);
        s->users = (SpecUsers)r;
        s->users_base = s->users_count = 0;
        return 0;
}
static void users_format(const MachineSpec *s, SpecField f, ValueVariant variant, char ***ret)
{
        if (s->users == SPEC_USERS_FIXED)
                strv_pushf(ret, "%u:%u", s->users_base, s->users_count);
        else
                strv_push(ret, value_users_to_name(s->users));
}
static void users_clear(MachineSpec *s, SpecField f)
{
        s->users = SPEC_USERS_NO;
        s->users_base = s->users_count = 0;
}
static void users_take(MachineSpec *to, MachineSpec *from, SpecField f)
{
        to->users = from->users;
        to->users_base = from->users_base;
        to->users_count = from->users_count;
        users_clear(from, f);
}
static const char *const users_choices[] = {"no", "yes", "pick", "identity", NULL};
const ValueType value_users = {users_parse, users_format, users_take, users_clear, users_choices, false};

static int network_parse(MachineSpec *s, SpecField f, ValueVariant variant, const char *text, Error *e)
{
        int r = variant == VARIANT_PRIVATE ? str_parse_bool(text)
                                           : value_find_name(network_names, ELEMENTSOF(network_names), text);

        if (r < 0 && variant == VARIANT_PRIVATE)
                return error_set(e, -EINVAL, "'%s' is neither yes nor no", text);
        if (r < 0)
                return error_set(e, -EINVAL, "'%s' is no kind of network; use private or host", text);
        s->network = (SpecNetwork)r;
        return 0;
}
static_assert(SPEC_NETWORK_HOST == 0 && SPEC_NETWORK_PRIVATE == 1, "Private= is a boolean");
static void network_format(const MachineSpec *s, SpecField f, ValueVariant variant, char ***ret)
{
        if (variant == VARIANT_PRIVATE)
                strv_push(ret, s->network == SPEC_NETWORK_PRIVATE ? "yes" : "no");
        else
                strv_push(ret, value_network_to_name(s->network));
}
static void network_take(MachineSpec *to, MachineSpec *from, SpecField f)
{
        to->network = from->network;
        from->network = SPEC_NETWORK_HOST;
}
static void network_clear(MachineSpec *s, SpecField f)
{
        s->network = SPEC_NETWORK_HOST;
}
const ValueType value_network = {network_parse, network_format, network_take, network_clear, network_names, false};

static int console_parse(MachineSpec *s, SpecField f, ValueVariant variant, const char *text, Error *e)
{
        int r = value_find_name(console_names, ELEMENTSOF(console_names), text);

        if (r < 0)
                return error_set(e, -EINVAL, "'%s' is no kind of console; use interactive, read-only, passive, pipe or autopipe",
                                 text);
        s->console = (SpecConsole)r;
        return 0;
}
static void console_format(const MachineSpec *s, SpecField f, ValueVariant variant, char ***ret)
{
        strv_push(ret, value_console_to_name(s->console));
}
static void console_take(MachineSpec *to, MachineSpec *from, SpecField f)
{
        to->console = from->console;
        from->console = SPEC_CONSOLE_INTERACTIVE;
}
static void console_clear(MachineSpec *s, SpecField f)
{
        s->console = SPEC_CONSOLE_INTERACTIVE;
}
const ValueType value_console = {console_parse, console_format, console_take, console_clear, console_names, false};
