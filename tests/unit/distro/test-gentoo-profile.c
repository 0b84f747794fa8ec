/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/path.h"
#include "base/strv.h"
#include "distro/gentoo-profile.h"
#include "distro/gentoo-vars.h"

/* ---- assignments ---- */

static void variables_are(const char *text, bool expand, const char *expected)
{
        _cleanup_strv_ char **v = NULL;
        Error e = {0};

        if (gentoo_vars_parse((Slice){text, strlen(text)}, expand, "file", &v, &e) < 0)
                fail_msg("%s", e.message);
        _cleanup_free_ char *is = strv_join(v, "|");
        assert_string_equal(is, expected);
}

static void values_are_quoted_as_in_a_shell(void **state)
{
        variables_are("# comment\nA=\"x y\"\nB='$A'\nC=plain # comment\nexport D=\"1\" E=2\n\n", true,
                      "A=x y|B=$A|C=plain|D=1|E=2");
        variables_are("A=\"x\"\nA=\"${A} y $A\"\nB=\"${GONE}z\"", true, "A=x y x|B=z");
        variables_are("A=\"x \\\n y\nz\"", true, "A=x  y\nz");
        variables_are("A=\"a\\\"b\\$c\\d\"", true, "A=a\"b$c\\d");
        variables_are("LDPATH=\"/usr/${X}\"", false, "LDPATH=/usr/${X}");
        variables_are("A=\nB=\"\"", true, "A=|B=");
        variables_are("A=x'y z'\"w\"", true, "A=xy zw");
}

static void what_is_no_assignment_is_named_by_its_line(void **state)
{
        static const char *const bad[] = {"A=1\nfoo", "A=1\n\nB=\"x", "A=1\n1A=2", "A=1\n=2", "A=1\nB='x", "A=1\nB 2"};
        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                _cleanup_strv_ char **v = NULL;
                Error e = {0};
                assert_int_equal(gentoo_vars_parse((Slice){bad[i], strlen(bad[i])}, true, "make.defaults", &v, &e), -EINVAL);
                assert_non_null(strstr(e.message, "make.defaults:"));
        }
}

static void words_add_up_from_left_to_right(void **state)
{
        _cleanup_strv_ char **a = gentoo_incremental("a b -a c b"), **b = gentoo_incremental("a b -* c"),
                            **c = gentoo_incremental("-x y");
        _cleanup_free_ char *x = strv_join(a, " "), *y = strv_join(b, " "), *z = strv_join(c, " ");
        assert_string_equal(x, "b c");
        assert_string_equal(y, "c");
        assert_string_equal(z, "y");
}

/* ---- profiles on disk ---- */

static char *top;

static void put(const char *path, const char *text)
{
        _cleanup_free_ char *file = path_join(top, path), *dir = path_dirname(file);

        assert_int_equal(file_mkdir_p(dir, 0755), 0);
        assert_int_equal(file_write_at(AT_FDCWD, file, text, 0644), 0);
}

static int set_up(void **state)
{
        char path[] = "/tmp/berth-profile-XXXXXX";

        if (!mkdtemp(path))
                return -1;
        top = xstrdup(path);
        put("gentoo/profiles/repo_name", "gentoo\n");
        put("gentoo/metadata/layout.conf", "masters =\nprofile-formats = portage-1\n");
        put("gentoo/profiles/profiles.desc",
            "# arch path status\namd64 default/linux/amd64/23.0/systemd stable\namd64 default/linux/amd64/23.0 stable\n");
        put("gentoo/profiles/package.mask", "# all profiles\n>=x/masked-2\nx/other\n");
        put("gentoo/profiles/base/packages", "*sys-apps/baselayout\n*>=sys-apps/sed-4\n*virtual/ssh\nsys-apps/not-a-set\n");
        put("gentoo/profiles/base/make.defaults",
            "USE_EXPAND=\"ELIBC KERNEL PYTHON_TARGETS\"\nUSE_EXPAND_IMPLICIT=\"ARCH ELIBC\"\n"
            "USE_EXPAND_UNPREFIXED=\"ARCH\"\nUSE_EXPAND_VALUES_ARCH=\"amd64 x86\"\n"
            "USE_EXPAND_VALUES_ELIBC=\"glibc musl\"\nIUSE_IMPLICIT=\"prefix\"\nUSE=\"a b\"\n"
            "CONFIG_PROTECT=\"/etc\"\nACCEPT_KEYWORDS=\"${ARCH}\"\nCFLAGS=\"-O2\"\n");
        put("gentoo/profiles/default/linux/amd64/23.0/parent", "../../../../base\n");
        put("gentoo/profiles/default/linux/amd64/23.0/eapi", "8\n");
        put("gentoo/profiles/default/linux/amd64/23.0/make.defaults",
            "ARCH=\"amd64\"\nUSE=\"-a c\"\nACCEPT_KEYWORDS=\"amd64\"\nCFLAGS=\"${CFLAGS} -pipe\"\n");
        put("gentoo/profiles/default/linux/amd64/23.0/packages/01", "*sys-apps/more\n");
        put("gentoo/profiles/default/linux/amd64/23.0/package.mask", "-x/other\n");
        put("gentoo/profiles/default/linux/amd64/23.0/systemd/parent", "..\n");
        put("gentoo/profiles/default/linux/amd64/23.0/systemd/packages", "*sys-apps/systemd\n");
        put("gentoo/profiles/cycle/parent", "../cycle2\n");
        put("gentoo/profiles/cycle2/parent", "../cycle\n");
        put("gentoo/profiles/new/eapi", "99\n");
        put("gentoo/profiles/needs/parent", "../gone\n");
        put("plain/profiles/repo_name", "plain\n");
        put("plain/profiles/old/packages/file", "*a/b\n");
        put("overlay/profiles/repo_name", "bencord0\n");
        put("overlay/metadata/layout.conf", "masters = gentoo\nprofile-formats = portage-2 profile-set\naliases = ben\n");
        put("overlay/profiles/nspawn-23/parent", "gentoo:default/linux/amd64/23.0/systemd\n:base\nben:extra # as alias\n");
        put("overlay/profiles/base/packages", "*app-editors/vim\n-*virtual/ssh\nsys-apps/tool\napp-misc/gone\n");
        put("overlay/profiles/extra/packages", "-app-misc/gone\n");
        put("overlay/profiles/extra/make.defaults", "FEATURES=\"buildpkg\"\n");
        return 0;
}

static int tear_down(void **state)
{
        (void)file_remove_tree_at(AT_FDCWD, top);
        free(top);
        return 0;
}

static GentooRepos repos(bool overlay)
{
        GentooRepos r = {0};
        Error e = {0};
        _cleanup_free_ char *gentoo = path_join(top, "gentoo"), *other = path_join(top, "overlay"),
                            *plain = path_join(top, "plain");

        if (gentoo_repos_add(&r, "gentoo", gentoo, &e) < 0 || gentoo_repos_add(&r, NULL, plain, &e) < 0 ||
            (overlay && gentoo_repos_add(&r, NULL, other, &e) < 0))
                fail_msg("%s", e.message);
        return r;
}

static void lines_are(char *const *list, const char *expected)
{
        _cleanup_free_ char *is = strv_join(list, " ");
        assert_string_equal(is ?: "", expected);
}

static void nodes_stack_parents_first(void **state)
{
        GentooRepos r = repos(false);
        GentooProfile p;
        Error e = {0};

        if (gentoo_profile_read(&r, "default/linux/amd64/23.0/systemd", &p, &e) < 0)
                fail_msg("%s", e.message);
        assert_string_equal(p.name, "gentoo:default/linux/amd64/23.0/systemd");
        assert_int_equal(strv_len(p.nodes), 3);
        lines_are(p.system, "sys-apps/baselayout >=sys-apps/sed-4 virtual/ssh sys-apps/more sys-apps/systemd");
        lines_are(p.profile, ""); /* the repository has no profile sets */
        lines_are(p.mask, ">=x/masked-2");
        assert_string_equal(gentoo_profile_get(&p, "USE"), "b c");
        assert_string_equal(gentoo_profile_get(&p, "CFLAGS"), "-O2 -pipe");
        assert_string_equal(gentoo_profile_get(&p, "ARCH"), "amd64");
        assert_string_equal(gentoo_profile_get(&p, "ACCEPT_KEYWORDS"), "amd64");
        assert_string_equal(gentoo_profile_get(&p, "GONE"), "");
        gentoo_profile_done(&p);
        gentoo_repos_done(&r);
}

static void parents_in_other_repositories(void **state)
{
        GentooRepos r = repos(true);
        GentooProfile p;
        Error e = {0};

        if (gentoo_profile_read(&r, "bencord0:nspawn-23", &p, &e) < 0)
                fail_msg("%s", e.message);
        lines_are(p.system, "sys-apps/baselayout >=sys-apps/sed-4 sys-apps/more sys-apps/systemd app-editors/vim");
        lines_are(p.profile, "sys-apps/tool");
        assert_string_equal(gentoo_profile_get(&p, "FEATURES"), "buildpkg");
        gentoo_profile_done(&p);
        _cleanup_free_ char *path = path_join(top, "overlay/profiles/nspawn-23");
        assert_int_equal(gentoo_profile_read(&r, path, &p, &e), 0);
        assert_string_equal(p.name, "bencord0:nspawn-23");
        gentoo_profile_done(&p);
        gentoo_repos_done(&r);
}

static const char *get(const void *from, const char *variable)
{
        return gentoo_profile_get(from, variable);
}

static void every_package_knows_some_flags(void **state)
{
        GentooRepos r = repos(false);
        GentooProfile p;
        _cleanup_strv_ char **flags = NULL;

        assert_int_equal(gentoo_profile_read(&r, "default/linux/amd64/23.0", &p, NULL), 0);
        gentoo_implicit_flags(get, &p, &flags);
        lines_are(flags, "prefix amd64 x86 elibc_glibc elibc_musl");
        gentoo_profile_done(&p);
        gentoo_repos_done(&r);
}

static void refused(bool overlay, const char *name, int code, const char *says)
{
        GentooRepos r = repos(overlay);
        GentooProfile p;
        Error e = {0};

        assert_int_equal(gentoo_profile_read(&r, name, &p, &e), code);
        if (!strstr(e.message, says))
                fail_msg("'%s' does not say '%s'", e.message, says);
        gentoo_repos_done(&r);
}

static void what_is_wrong_with_a_profile_is_said(void **state)
{
        refused(false, "cycle", -ELOOP, "its own parent");
        refused(false, "new", -EOPNOTSUPP, "EAPI '99'");
        refused(false, "needs", -ENOENT, "'../gone'");
        refused(false, "plain:old", -EISDIR, "EAPI");
        refused(false, "default/linux/amd64/23.0/sytemd", -ENOENT, "did you mean 'gentoo:default/linux/amd64/23.0/systemd'");
        refused(false, "bencord0:nspawn-23", -ENOENT, "no repository has a profile");
        refused(true, "../../../etc", -ENOENT, "no repository has a profile");
        refused(true, "/etc", -EINVAL, "none of the repositories");
}

static void repositories_are_told_from_directories(void **state)
{
        GentooRepos r = {0};
        Error e = {0};
        _cleanup_free_ char *gentoo = path_join(top, "gentoo");

        assert_int_equal(gentoo_repos_add(&r, NULL, "/tmp", &e), -ENOENT);
        assert_int_equal(gentoo_repos_add(&r, NULL, "/nowhere/at/all", &e), -ENOENT);
        assert_int_equal(gentoo_repos_add(&r, "other", gentoo, &e), -EINVAL);
        assert_int_equal(gentoo_repos_add(&r, NULL, gentoo, &e), 0);
        assert_int_equal(gentoo_repos_add(&r, NULL, gentoo, &e), -EEXIST);
        gentoo_repos_done(&r);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(values_are_quoted_as_in_a_shell),
                        cmocka_unit_test(what_is_no_assignment_is_named_by_its_line),
                        cmocka_unit_test(words_add_up_from_left_to_right),
                        cmocka_unit_test(nodes_stack_parents_first),
                        cmocka_unit_test(parents_in_other_repositories),
                        cmocka_unit_test(every_package_knows_some_flags),
                        cmocka_unit_test(what_is_wrong_with_a_profile_is_said),
                        cmocka_unit_test(repositories_are_told_from_directories),
        };

        return cmocka_run_group_tests(tests, set_up, tear_down);
}
