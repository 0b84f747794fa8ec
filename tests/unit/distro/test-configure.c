/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/strv.h"
#include "distro/deb-configure.h"

static DebUnpacked early = {.name = (char *)"early", .arch = (char *)"all", .info = (char *)"early"};
static DebUnpacked late = {.name = (char *)"late", .arch = (char *)"amd64", .info = (char *)"late:amd64"};

static DebUnpacked base = {.name = (char *)"base", .arch = (char *)"all", .info = (char *)"base"};

static Buf script(char *const *settle)
{
        static char *const essential[] = {(char *)"base", NULL};
        const DebScript scripts[] = {
                        {&late, settle ? DEB_STAGE_LATE : DEB_STAGE_REST}, {&early, DEB_STAGE_REST}, {&base, DEB_STAGE_BASE}};
        const DebConfigure c = {.preinsts = scripts, .n = 3, .base = essential, .settle = settle, .dpkg_version = "1.22"};
        Buf b = {0};

        deb_configure_script(&c, &b);
        return b;
}

/* Whether the program has all these in this order. */
static bool in_order(const Buf *b, const char *const *parts)
{
        const char *at = b->data;

        for (; at && *parts; parts++)
                at = strstr(at, *parts);
        return at;
}

static void the_base_is_configured_before_other_scripts_run(void **state)
{
        static const char *const order[] = {
                        "preinst 'base' 'all' 'base'",   "--configure base", "preinst 'late' 'amd64' 'late:amd64'",
                        "preinst 'early' 'all' 'early'", "--configure -a",   NULL};
        _cleanup_buf_ Buf b = script(NULL);

        assert_true(in_order(&b, order));
}

static void what_a_late_one_needs_is_configured_first(void **state)
{
        static const char *const order[] = {"preinst 'early'", "--configure adduser", "preinst 'late'", "--configure -a", NULL};
        char *settle[] = {(char *)"adduser", NULL};
        _cleanup_buf_ Buf b = script(settle);

        assert_true(in_order(&b, order));
}

static void what_is_left_to_dpkg_comes_last(void **state)
{
        static const char *const order[] = {
                        "--configure adduser",          "preinst 'late'", "--unpack '/var/lib/dpkg/deferred/guard.deb'",
                        "rm -r /var/lib/dpkg/deferred", "--configure -a", NULL};
        char *settle[] = {(char *)"adduser", NULL}, *deferred[] = {(char *)"guard", NULL};
        const DebScript scripts[] = {{&late, DEB_STAGE_LATE}};
        const DebConfigure c = {.preinsts = scripts, .n = 1, .settle = settle, .deferred = deferred, .dpkg_version = "1.22"};
        _cleanup_buf_ Buf b = {0};

        deb_configure_script(&c, &b);
        assert_true(in_order(&b, order));
}

static void the_reason_is_the_line_that_names_the_package(void **state)
{
        _cleanup_free_ char *s = deb_configure_reason(
                        "Setting up p (1) ...\nnoise\ndpkg: error processing package p (--configure):\n"
                        " installed p package post-installation script subprocess returned error exit status 1\n"
                        "Errors were encountered while processing:\n p\n");

        assert_string_equal(s, "package p (--configure): installed p package post-installation script subprocess returned error "
                               "exit status 1");
}

static void a_preinst_that_fails_is_named(void **state)
{
        _cleanup_free_ char *s =
                        deb_configure_reason("x\nberth: error: the preinst script of package 'p' failed with status 2\n");

        assert_string_equal(s, "the preinst script of package 'p' failed with status 2");
}

static void an_error_of_dpkg_itself_is_told_with_its_cause(void **state)
{
        _cleanup_free_ char *s = deb_configure_reason("Setting up p (1) ...\ndpkg: unrecoverable fatal error, aborting:\n"
                                                      " unable to flush file: No space left on device\n");

        assert_string_equal(s, "dpkg: unable to flush file: No space left on device");
}

static void what_was_replaced_for_the_scripts_is_put_back(void **state)
{
        _cleanup_buf_ Buf b = script(NULL);

        assert_true(strstr(b.data, "--configure -a") < strstr(b.data, "mv -f $s.REAL $s\n"));
        assert_true(strstr(b.data, "--configure -a") < strstr(b.data, "mv -f $c.REAL $c\n"));
        assert_true(strstr(b.data, "--configure -a") < strstr(b.data, "rm -rf /usr/sbin/policy-rc.d"));
}

static void else_the_last_words_stand(void **state)
{
        _cleanup_free_ char *s = deb_configure_reason("one\n/bin/sh: not found\n");

        assert_string_equal(s, "/bin/sh: not found");
}

static int fail_with_3(void *ctx, const DistroCommand *c, int *ret_status, char **ret_output, Error *e)
{
        *(bool *)ctx = strv_env_get(c->env, "DEBIAN_FRONTEND") != NULL;
        *ret_status = 3;
        *ret_output = xstrdup("dpkg: error: broken\n");
        return 0;
}

static void a_status_is_an_error_with_its_reason(void **state)
{
        bool noninteractive = false;
        const DistroRunner runner = {fail_with_3, &noninteractive};
        const DebConfigure c = {.dpkg_version = "1.22"};
        Error e = {0};

        assert_int_equal(deb_configure(&c, &runner, &e), -EREMOTEIO);
        assert_string_equal(e.message, "the packages cannot be configured: broken");
        assert_true(noninteractive);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(the_base_is_configured_before_other_scripts_run),
                        cmocka_unit_test(what_a_late_one_needs_is_configured_first),
                        cmocka_unit_test(what_is_left_to_dpkg_comes_last),
                        cmocka_unit_test(the_reason_is_the_line_that_names_the_package),
                        cmocka_unit_test(a_preinst_that_fails_is_named),
                        cmocka_unit_test(an_error_of_dpkg_itself_is_told_with_its_cause),
                        cmocka_unit_test(what_was_replaced_for_the_scripts_is_put_back),
                        cmocka_unit_test(else_the_last_words_stand),
                        cmocka_unit_test(a_status_is_an_error_with_its_reason),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
