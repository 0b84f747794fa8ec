/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "unit/test.h"
#include "unit/scratch.h"

#include "base/path.h"
#include "base/str.h"
#include "machine/run-record.h"

static Machine sample(void)
{
        return (Machine){
                        .name = (char *)"web",
                        .boot_id = (char *)"0123456789abcdef0123456789abcdef",
                        .state = (char *)"running",
                        .root = (char *)"/a\\b\nc",
                        .leader = 4711,
                        .leader_starttime = UINT64_MAX,
                        .id_base = 0x7fff0000,
                        .stop_signal = 38,
                        .network_private = true,
        };
}

static MachineHost host_at(const Scratch *s)
{
        return (MachineHost){.run_dir = (char *)s->dir};
}

static void write_record(const MachineHost *h, const char *text)
{
        _cleanup_free_ char *dir = machine_record_dir(h, "web");
        _cleanup_free_ char *path = path_join(dir, "state");
        assert_int_equal(file_mkdir_p(dir, 0755), 0);
        assert_int_equal(file_write_atomic_at(AT_FDCWD, path, text, strlen(text), 0644, false), 0);
}

static void what_is_written_is_read(void **state)
{
        MachineHost h = host_at(*state);
        Machine m = sample(), back = {0};
        _cleanup_free_ char *dir = machine_record_dir(&h, "web");

        assert_int_equal(file_mkdir_p(dir, 0755), 0);
        assert_int_equal(machine_record_write(&h, &m, NULL), 0);
        assert_int_equal(machine_record_read(&h, "web", &back), 0);
        assert_string_equal(back.root, m.root);
        assert_int_equal(back.leader, m.leader);
        assert_true(back.leader_starttime == m.leader_starttime);
        assert_int_equal(back.id_base, m.id_base);
        assert_int_equal(back.stop_signal, m.stop_signal);
        assert_true(back.network_private);
        assert_null(back.os_id);
        machine_done(&back);
}

static void no_record_is_no_entry(void **state)
{
        MachineHost h = host_at(*state);
        Machine m = {0};
        assert_int_equal(machine_record_read(&h, "web", &m), -ENOENT);
}

static void a_record_of_another_name_is_refused(void **state)
{
        MachineHost h = host_at(*state);
        Machine m = {0};
        write_record(&h, "BOOT_ID=x\nNAME=other\nLEADER=2\n");
        assert_int_equal(machine_record_read(&h, "web", &m), -EBADMSG);
}

static void a_broken_number_is_refused(void **state)
{
        MachineHost h = host_at(*state);
        Machine m = {0};
        write_record(&h, "BOOT_ID=x\nNAME=web\nLEADER=2x\n");
        assert_int_equal(machine_record_read(&h, "web", &m), -EBADMSG);
}

static void keys_of_a_later_version_are_passed_over(void **state)
{
        MachineHost h = host_at(*state);
        Machine m = {0};
        write_record(&h, "BOOT_ID=x\nNAME=web\nLEADER=2\nNEW_THING=1\n");
        assert_int_equal(machine_record_read(&h, "web", &m), 0);
        machine_done(&m);
}

static void a_name_is_locked_once(void **state)
{
        MachineHost h = host_at(*state);
        int fd = machine_record_lock(&h, "web");
        assert_true(fd >= 0);
        assert_int_equal(machine_record_lock(&h, "web"), -EAGAIN);
        machine_record_unlock(&h, "web", &fd);
        assert_int_equal(fd, -1);
        fd = machine_record_lock(&h, "web");
        assert_true(fd >= 0);
        machine_record_unlock(&h, "web", &fd);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test_setup_teardown(what_is_written_is_read, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(no_record_is_no_entry, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(a_record_of_another_name_is_refused, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(a_broken_number_is_refused, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(keys_of_a_later_version_are_passed_over, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(a_name_is_locked_once, scratch_setup, scratch_teardown),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
