/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "unit/test.h"
#include "unit/scratch.h"

#include "base/str.h"
#include "machine/run-facts.h"

static void put(const Scratch *s, const char *path, const char *text, mode_t mode)
{
        char dir[128];
        snprintf(dir, sizeof(dir), "%.*s", (int)(strrchr(path, '/') - path), path);
        assert_int_equal(file_mkdir_p_at(s->fd, dir, 0755), 0);
        assert_int_equal(file_write_atomic_at(s->fd, path, text, strlen(text), mode, false), 0);
        assert_int_equal(fchmodat(s->fd, path, mode, 0), 0);
}

static StoreImage image_at(const Scratch *s)
{
        return (StoreImage){.name = (char *)"t", .driver = STORE_DIRECTORY, .path = (char *)s->dir, .directory = (char *)s->dir};
}

static void os_release_values_are_unquoted(void **state)
{
        static const char text[] = "NAME=x\nID=debian\nPRETTY_NAME=\"A \\\"B\\\" c\"\nVERSION_ID='12'\n";
        _cleanup_free_ char *id = machine_os_value(text, "ID"), *pretty = machine_os_value(text, "PRETTY_NAME");
        _cleanup_free_ char *version = machine_os_value(text, "VERSION_ID"), *none = machine_os_value(text, "VERSION");
        assert_string_equal(id, "debian");
        assert_string_equal(pretty, "A \"B\" c");
        assert_string_equal(version, "12");
        assert_null(none);
}

static InitKind init_of(const Scratch *s)
{
        StoreImage i = image_at(s);
        _cleanup_free_ char *path = NULL;
        return machine_image_init(&i, &path);
}

static void no_init_is_none(void **state)
{
        assert_int_equal(init_of(*state), INIT_NONE);
}

static void systemd_is_found_where_it_is(void **state)
{
        put(*state, "usr/lib/systemd/systemd", "x", 0755);
        assert_int_equal(init_of(*state), INIT_SYSTEMD);
}

static void a_link_is_followed_inside_the_image(void **state)
{
        const Scratch *s = *state;
        put(s, "bin/busybox", "x", 0755);
        assert_int_equal(file_mkdir_p_at(s->fd, "sbin", 0755), 0);
        assert_int_equal(symlinkat("/bin/busybox", s->fd, "sbin/init"), 0);
        assert_int_equal(init_of(s), INIT_BUSYBOX);
}

static void an_init_is_known_by_its_marks(void **state)
{
        put(*state, "sbin/init", "#!/bin/execlineb -S0\ns6-linux-init -c /etc/s6\n", 0755);
        assert_int_equal(init_of(*state), INIT_S6);
}

static void an_unknown_init_is_other(void **state)
{
        put(*state, "sbin/init", "#!/bin/sh\nexec sleep 9\n", 0755);
        assert_int_equal(init_of(*state), INIT_OTHER);
}

static void a_file_that_cannot_be_executed_is_no_init(void **state)
{
        put(*state, "sbin/init", "x", 0644);
        assert_int_equal(init_of(*state), INIT_NONE);
}

static void facts_of_user(const Scratch *s, const char *user, HostFacts *f)
{
        StoreImage i = image_at(s);
        MachineSpec spec;
        spec_init(&spec);
        spec.user = xstrdup(user);
        put(s, "etc/passwd", "root:x:0:0::/root:/bin/sh\nlina:x:1000:1001::/home/lina:/bin/zsh\nbroken:x:y:1::/:\n", 0644);
        put(s, "etc/group", "lina:x:1001:\nstaff:x:50:other,lina\nadm:x:4:root\n", 0644);
        assert_int_equal(machine_facts_image(&i, &spec, f, NULL), 0);
        spec_done(&spec);
}

static void a_user_is_found_by_name_with_groups(void **state)
{
        HostFacts f = {0};
        facts_of_user(*state, "lina", &f);
        assert_true(f.user_found);
        assert_int_equal(f.user_uid, 1000);
        assert_int_equal(f.user_gid, 1001);
        assert_string_equal(f.user_shell, "/bin/zsh");
        assert_int_equal(f.n_user_groups, 1);
        assert_int_equal(f.user_groups[0], 50);
        facts_done(&f);
}

static void a_number_without_an_entry_is_taken_as_it_is(void **state)
{
        HostFacts f = {0};
        facts_of_user(*state, "4242", &f);
        assert_false(f.user_found);
        assert_int_equal(f.user_uid, 4242);
        facts_done(&f);
}

static void an_entry_that_is_broken_is_nobody(void **state)
{
        HostFacts f = {0};
        facts_of_user(*state, "broken", &f);
        assert_false(f.user_found);
        facts_done(&f);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)
int main(void)
{
        const struct CMUnitTest tests[] = {
                        CASE(os_release_values_are_unquoted),
                        CASE(no_init_is_none),
                        CASE(systemd_is_found_where_it_is),
                        CASE(a_link_is_followed_inside_the_image),
                        CASE(an_init_is_known_by_its_marks),
                        CASE(an_unknown_init_is_other),
                        CASE(a_file_that_cannot_be_executed_is_no_init),
                        CASE(a_user_is_found_by_name_with_groups),
                        CASE(a_number_without_an_entry_is_taken_as_it_is),
                        CASE(an_entry_that_is_broken_is_nobody),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
