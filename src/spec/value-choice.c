/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Settings that are one word of a fixed list. */

#include <assert.h>
#include <errno.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/strv.h"
#include "spec/value.h"

static const char *const settings_names[] = {
                [SPEC_SETTINGS_NO] = "no",           [SPEC_SETTINGS_YES] = "yes", [SPEC_SETTINGS_OVERRIDE] = "override",
                [SPEC_SETTINGS_TRUSTED] = "trusted", [_SPEC_SETTINGS_MAX] = NULL,
};
static const char *const volatile_names[] = {
                [SPEC_VOLATILE_NO] = "no",           [SPEC_VOLATILE_YES] = "yes", [SPEC_VOLATILE_STATE] = "state",
                [SPEC_VOLATILE_OVERLAY] = "overlay", [_SPEC_VOLATILE_MAX] = NULL,
};
static const char *const ownership_names[] = {
                [SPEC_OWNERSHIP_OFF] = "off",   [SPEC_OWNERSHIP_MAP] = "map", [SPEC_OWNERSHIP_CHOWN] = "chown",
                [SPEC_OWNERSHIP_AUTO] = "auto", [_SPEC_OWNERSHIP_MAX] = NULL,
};
static const char *const resolv_conf_names[] = {
                [SPEC_RESOLV_CONF_OFF] = "off",
                [SPEC_RESOLV_CONF_COPY_HOST] = "copy-host",
                [SPEC_RESOLV_CONF_COPY_STATIC] = "copy-static",
                [SPEC_RESOLV_CONF_COPY_UPLINK] = "copy-uplink",
                [SPEC_RESOLV_CONF_COPY_STUB] = "copy-stub",
                [SPEC_RESOLV_CONF_REPLACE_HOST] = "replace-host",
                [SPEC_RESOLV_CONF_REPLACE_STATIC] = "replace-static",
                [SPEC_RESOLV_CONF_REPLACE_UPLINK] = "replace-uplink",
                [SPEC_RESOLV_CONF_REPLACE_STUB] = "replace-stub",
                [SPEC_RESOLV_CONF_BIND_HOST] = "bind-host",
                [SPEC_RESOLV_CONF_BIND_STATIC] = "bind-static",
                [SPEC_RESOLV_CONF_BIND_UPLINK] = "bind-uplink",
                [SPEC_RESOLV_CONF_BIND_STUB] = "bind-stub",
                [SPEC_RESOLV_CONF_DELETE] = "delete",
                [SPEC_RESOLV_CONF_AUTO] = "auto",
                [_SPEC_RESOLV_CONF_MAX] = NULL,
};
static const char *const timezone_names[] = {
                [SPEC_TIMEZONE_OFF] = "off",         [SPEC_TIMEZONE_COPY] = "copy",     [SPEC_TIMEZONE_BIND] = "bind",
                [SPEC_TIMEZONE_SYMLINK] = "symlink", [SPEC_TIMEZONE_DELETE] = "delete", [SPEC_TIMEZONE_AUTO] = "auto",
                [_SPEC_TIMEZONE_MAX] = NULL,
};
static const char *const link_journal_names[] = {
                [SPEC_LINK_JOURNAL_NO] = "no",
                [SPEC_LINK_JOURNAL_HOST] = "host",
                [SPEC_LINK_JOURNAL_TRY_HOST] = "try-host",
                [SPEC_LINK_JOURNAL_GUEST] = "guest",
                [SPEC_LINK_JOURNAL_TRY_GUEST] = "try-guest",
                [SPEC_LINK_JOURNAL_AUTO] = "auto",
                [_SPEC_LINK_JOURNAL_MAX] = NULL,
};

/* Every one of these enumerations is stored as an int. */
static_assert(sizeof(SpecSettings) == sizeof(int) && sizeof(SpecVolatile) == sizeof(int) &&
                              sizeof(SpecOwnership) == sizeof(int) && sizeof(SpecResolvConf) == sizeof(int) &&
                              sizeof(SpecTimezone) == sizeof(int) && sizeof(SpecLinkJournal) == sizeof(int),
              "an enumeration is an int");

static const char *const *names_of(SpecField f)
{
        return field_row(f)->type->choices;
}

/* Where "yes" and "no", or "off", are among the words, the other spellings of booleans are too. */
static int choice_find(const char *const *names, size_t n, const char *text)
{
        int r = value_find_name(names, n, text), b = r < 0 ? str_parse_bool(text) : -1;

        if (b >= 0)
                r = value_find_name(names, n, b ? "yes" : "no");
        if (b == 0 && r < 0)
                r = value_find_name(names, n, "off");
        return r;
}

static int choice_parse(MachineSpec *s, SpecField f, ValueVariant variant, const char *text, Error *e)
{
        const char *const *names = names_of(f);
        size_t n = strv_len((char *const *)names);
        _cleanup_buf_ Buf all = {};
        int r = choice_find(names, n, text);

        if (r >= 0) {
                *VALUE_MEMBER(int, s, f) = r;
                return 0;
        }
        for (size_t i = 0; i < n; i++)
                buf_addf(&all, "%s%s", i == 0 ? "" : i + 1 == n ? " or " : ", ", names[i]);
        return error_set(e, -EINVAL, "'%s' is not one of the choices; use %s", text, all.data);
}
static void choice_format(const MachineSpec *s, SpecField f, ValueVariant variant, char ***ret)
{
        strv_push(ret, names_of(f)[*VALUE_MEMBER(int, s, f)]);
}
static void choice_take(MachineSpec *to, MachineSpec *from, SpecField f)
{
        *VALUE_MEMBER(int, to, f) = *VALUE_MEMBER(int, from, f);
        *VALUE_MEMBER(int, from, f) = 0;
}
static void choice_clear(MachineSpec *s, SpecField f)
{
        *VALUE_MEMBER(int, s, f) = 0;
}

/* PrivateUsersChown= of old files. */
static int ownership_parse(MachineSpec *s, SpecField f, ValueVariant variant, const char *text, Error *e)
{
        if (variant != VARIANT_CHOWN)
                return choice_parse(s, f, variant, text, e);
        int r = str_parse_bool(text);
        if (r < 0)
                return error_set(e, -EINVAL, "'%s' is neither yes nor no", text);
        s->ownership = r ? SPEC_OWNERSHIP_AUTO : SPEC_OWNERSHIP_OFF;
        return 0;
}
static void ownership_format(const MachineSpec *s, SpecField f, ValueVariant variant, char ***ret)
{
        if (variant != VARIANT_CHOWN) /* the newer key says it better */
                choice_format(s, f, variant, ret);
}

const ValueType value_settings = {choice_parse, choice_format, choice_take, choice_clear, settings_names, false};
const ValueType value_volatile = {choice_parse, choice_format, choice_take, choice_clear, volatile_names, false};
const ValueType value_ownership = {ownership_parse, ownership_format, choice_take, choice_clear, ownership_names, false};
const ValueType value_resolv_conf = {choice_parse, choice_format, choice_take, choice_clear, resolv_conf_names, false};
const ValueType value_timezone = {choice_parse, choice_format, choice_take, choice_clear, timezone_names, false};
const ValueType value_link_journal = {choice_parse, choice_format, choice_take, choice_clear, link_journal_names, false};

#define TO_NAME(function, type, table, max)                             \
        const char *function(type value)                                \
        {                                                               \
                return value >= 0 && value < max ? table[value] : NULL; \
        }
TO_NAME(value_ownership_to_name, SpecOwnership, ownership_names, _SPEC_OWNERSHIP_MAX)
TO_NAME(value_volatile_to_name, SpecVolatile, volatile_names, _SPEC_VOLATILE_MAX)
TO_NAME(value_resolv_conf_to_name, SpecResolvConf, resolv_conf_names, _SPEC_RESOLV_CONF_MAX)
TO_NAME(value_timezone_to_name, SpecTimezone, timezone_names, _SPEC_TIMEZONE_MAX)
TO_NAME(value_link_journal_to_name, SpecLinkJournal, link_journal_names, _SPEC_LINK_JOURNAL_MAX)
