/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <string.h>

#include "base/strv.h"
#include "distro/gentoo-env.h"
#include "distro/gentoo-protect.h"

#define MD5     " 0123456789abcdef0123456789abcdef 1"
#define NOTHING " d41d8cd98f00b204e9800998ecf8427e 1"

static void the_longer_match_protects(void **state)
{
        GentooProtect p = {.paths = strv_split("/etc /usr/share/config /etc/env.d/keep", " "),
                           .mask = strv_split("/etc/env.d /etc/gentoo-release", " ")};

        assert_true(gentoo_is_protected(&p, "obj /etc/foo.conf" MD5));
        assert_true(gentoo_is_protected(&p, "sym /etc/link -> foo 1"));
        assert_true(gentoo_is_protected(&p, "obj /etc/a b" MD5));
        assert_false(gentoo_is_protected(&p, "obj /etcetera" MD5));
        assert_false(gentoo_is_protected(&p, "obj /usr/bin/foo" MD5));
        assert_false(gentoo_is_protected(&p, "obj /etc/env.d/50x" MD5));
        assert_true(gentoo_is_protected(&p, "obj /etc/env.d/keep/x" MD5));
        assert_false(gentoo_is_protected(&p, "obj /etc/gentoo-release" MD5));
        assert_true(gentoo_is_protected(&p, "obj /etc/gentoo-release.d" MD5));
        assert_false(gentoo_is_protected(&p, "dir /etc/x"));
        assert_false(gentoo_is_protected(&p, "fif /etc/x"));
        assert_false(gentoo_is_protected(&p, "obj /etc/.keep_a_b-0" NOTHING));
        assert_true(gentoo_is_protected(&p, "obj /etc/.keep_a_b-0" MD5));
        strv_free(p.paths);
        strv_free(p.mask);
}

static void masked(const char *patterns, const char *path, bool expected)
{
        _cleanup_strv_ char **list = strv_split(patterns, " ");
        assert_int_equal(gentoo_is_masked(list, path, false), expected);
}

static void patterns_mask_files(void **state)
{
        masked("/usr/share/doc", "/usr/share/doc", true);
        masked("/usr/share/doc", "/usr/share/doc/a/b", true);
        masked("/usr/share/doc", "/usr/share/documents", false);
        masked("/usr/share/doc/", "/usr/share/doc/a", true);
        masked("/usr/share/doc/", "/usr/share/doc", false); /* a file of that name */
        masked("/usr/*/doc", "/usr/share/more/doc/x", true);
        masked("*.la", "/usr/lib64/libx.la", true);
        masked("*.la", "/usr/lib64/libx.lax", false);
        masked("/usr/share/locale -/usr/share/locale/de", "/usr/share/locale/de/x.mo", false);
        masked("/usr/share/locale -/usr/share/locale/de", "/usr/share/locale/fr/x.mo", true);
        masked("-/usr/share/locale/de /usr/share/locale", "/usr/share/locale/de/x.mo", true);
        masked("", "/usr", false);
}

static void env_update_is(const char *a, const char *b, const char *profile, const char *linker)
{
        const GentooEnvFile files[] = {{"50a", a}, {"60b", b}};
        const char *bad;
        GentooEnv env;

        gentoo_env_update(files, 2, &env, &bad);
        assert_string_equal(strstr(env.profile.data, "\n\n") + 2, profile);
        assert_string_equal(env.linker.data ? strstr(env.linker.data, "directory.\n") + strlen("directory.\n") : "", linker);
        gentoo_env_done(&env);
}

static void files_of_env_d_add_up(void **state)
{
        env_update_is("PATH=\"/a:/b\"\nEDITOR=vi\nLDPATH=/l", "PATH=/b:/c\nEDITOR=\"nano\"\nLDPATH=\"/m:/l\"",
                      "export EDITOR='nano'\nexport PATH='/a:/b:/c'\n", "/l\n/m\n");
        env_update_is("CONFIG_PROTECT=\"/x /y\"\nCOLON_SEPARATED=MINE\nMINE=1:2", "CONFIG_PROTECT=/y\nMINE=2:3",
                      "export CONFIG_PROTECT='/x /y'\nexport MINE='1:2:3'\n", "");
        env_update_is("A='$x'\nB='${x}'", "", "export A=$'x'\nexport B='${x}'\n", "");
        assert_true(gentoo_env_is_file("50baselayout"));
        assert_false(gentoo_env_is_file("50a~"));
        assert_false(gentoo_env_is_file("50a.bak"));
        assert_false(gentoo_env_is_file("5a"));
        assert_false(gentoo_env_is_file("README"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(the_longer_match_protects),
                        cmocka_unit_test(patterns_mask_files),
                        cmocka_unit_test(files_of_env_d_add_up),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
