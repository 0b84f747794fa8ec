/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/spec/values.h"

#include <sys/socket.h>

static void slices_are_names(void **state)
{
        CHECK(SLICE, PLAIN, {"a", "a.slice"}, {"a-b.slice", "a-b.slice"}, {"-.slice", "-.slice"}, {"", NULL}, {"a/b", NULL},
              {"a--b", NULL}, {"-a", NULL}, {".slice", NULL});
}

static void backgrounds_are_colours(void **state)
{
        CHECK(BACKGROUND, PLAIN, {"44", "44"}, {"48;2;0;0;64", "48;2;0;0;64"}, {"48;5;17", "48;5;17"}, {"", ""}, {"31", NULL},
              {"48;2;0;0;256", NULL}, {"48;2", NULL}, {"red", NULL});
}

static void roots_to_pivot_to_are_below_the_root(void **state)
{
        CHECK(PIVOT_ROOT, PLAIN, {"/new", "/new"}, {"/a\\:b:/old/", "/a\\:b:/old"}, {"/", NULL}, {"new", NULL}, {"/new:/", NULL},
              {"/a:/b:/c", NULL}, {"/a/../b", NULL});
}

static void id_maps_have_three_numbers(void **state)
{
        CHECK(USERS_MAP, PLAIN, {"0:700000:1000", "0:700000:1000"}, {"0:1", NULL}, {"0:1:0", NULL}, {"a:1:2", NULL},
              {"0:4294967290:10", NULL}, {"1:2:3:4", NULL});
}

static void filters_allow_and_refuse(void **state)
{
        CHECK(SYSTEM_CALL_FILTER, PLAIN, {"@clock bpf", "@clock bpf"}, {"~ptrace,@debug", "~ptrace @debug"}, {"a/b", NULL},
              {"@", NULL});
}

static void families_are_known(void **state)
{
        CHECK(ADDRESS_FAMILIES, PLAIN, {"AF_UNIX af_inet", "AF_UNIX af_inet"}, {"~AF_PACKET", "~AF_PACKET"}, {"none", "none"},
              {"AF_NOTHING", NULL}, {"INET", NULL});
        assert_int_equal(value_family_from_name("AF_LOCAL"), AF_UNIX);
        assert_int_equal(value_family_from_name("AF_INET6"), AF_INET6);
        assert_int_equal(value_family_from_name("AF_VSOCK"), AF_VSOCK);
}

static void credentials_have_a_name_and_escapes(void **state)
{
        CHECK(CREDENTIALS, SET, {"a:b", "a:\\x62"}, {"a:", "a:"}, {"a:\\x00\\n\\101\\s", "a:\\x00\\x0a\\x41\\x20"}, {"a", NULL},
              {":b", NULL}, {"a/b:c", NULL}, {"a:\\q", NULL}, {"a:\\x4", NULL}, {"a:\\x", NULL}, {"a:\\", NULL}, {"a:\\12", NULL},
              {"a:\\777", NULL});
        CHECK(CREDENTIALS, LOAD, {"a:/path", "a:/path"}, {"a:other", "a:other"}, {"a:rel/path", NULL}, {"a:", NULL});
}

static void a_credential_is_given_once(void **state)
{
        _cleanup_spec_ MachineSpec s = {};
        Error e = {};

        assert_int_equal(value_credentials.parse(&s, SPEC_FIELD_CREDENTIALS, VARIANT_SET, "a:b", &e), 0);
        assert_true(value_credentials.parse(&s, SPEC_FIELD_CREDENTIALS, VARIANT_LOAD, "a:/b", &e) < 0);
        assert_int_equal(s.credentials.n, 1);
}

static void shells_are_paths_or_booleans(void **state)
{
        CHECK(BIND_USER_SHELL, PLAIN, {"/bin/zsh", "/bin/zsh"}, {"1", "yes"}, {"off", "no"}, {"zsh", NULL});
}

static void users_have_names(void **state)
{
        CHECK(BIND_USER, PLAIN, {"lina", "lina"}, {"lina,otto lina", "lina|otto"}, {"0", NULL}, {"a:b", NULL}, {"-x", NULL});
}

static void choices_are_words_and_booleans(void **state)
{
        CHECK(VOLATILE, PLAIN, {"yes", "yes"}, {"1", "yes"}, {"off", "no"}, {"State", "state"}, {"none", NULL});
        CHECK(RESOLV_CONF, PLAIN, {"replace-uplink", "replace-uplink"}, {"no", "off"}, {"bind", NULL});
        CHECK(TIMEZONE, PLAIN, {"auto", "auto"}, {"yes", NULL});
        CHECK(LINK_JOURNAL, PLAIN, {"try-guest", "try-guest"}, {"false", "no"});
        CHECK(SETTINGS, PLAIN, {"override", "override"}, {"true", "yes"}, {"trust", NULL});
        CHECK(OWNERSHIP, PLAIN, {"chown", "chown"}, {"no", "off"}, {"yes", NULL});
        CHECK(OWNERSHIP, CHOWN, {"yes", ""}, {"chown", NULL});
}

static void overlays_have_layers(void **state)
{
        CHECK(MOUNTS, OVERLAY, {"/a:/b:/c", "/a:/b:/c"}, {"/a:/b", "/a:/b:/b"}, {"/a::/c", "/a::/c"},
              {"+/a:+/b:/c", "+/a:+/b:/c"}, {"/a:", NULL}, {"/a", NULL}, {"a:/b:/c", NULL}, {"/a:/b:", NULL});
        CHECK(MOUNTS, OVERLAY_READ_ONLY, {"/a:/b:/c", "/a:/b:/c"}, {"/a::/c", "/a::/c"});
        CHECK(MOUNTS, BIND, {"/a:/b:uid=7", "/a:/b:rbind,uid=7,gid=7"}, {"/a:/b:gid=5,uid=4", "/a:/b:rbind,uid=4,gid=5"},
              {":/b", ":/b:rbind,noidmap"}, {"/a:/b:uid=x", NULL}, {"/a:/b:uid=4294967295", NULL});
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(slices_are_names),
                        cmocka_unit_test(backgrounds_are_colours),
                        cmocka_unit_test(roots_to_pivot_to_are_below_the_root),
                        cmocka_unit_test(id_maps_have_three_numbers),
                        cmocka_unit_test(filters_allow_and_refuse),
                        cmocka_unit_test(families_are_known),
                        cmocka_unit_test(credentials_have_a_name_and_escapes),
                        cmocka_unit_test(a_credential_is_given_once),
                        cmocka_unit_test(shells_are_paths_or_booleans),
                        cmocka_unit_test(users_have_names),
                        cmocka_unit_test(choices_are_words_and_booleans),
                        cmocka_unit_test(overlays_have_layers),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
