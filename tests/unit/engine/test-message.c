/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "engine/message.h"

static void open_pair(int pair[2])
{
        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
}

static void an_error_crosses_by_value(void **state)
{
        Error sent = {0};
        Message m;
        int pair[2];

        open_pair(pair);
        error_set(&sent, -ENOENT, "cannot mount '/proc'");
        assert_int_equal(message_send_error(pair[0], &sent), 0);
        assert_int_equal(message_receive(pair[1], &m, NULL, 0, NULL), 1);
        assert_int_equal(m.kind, MESSAGE_ERROR);
        assert_int_equal(m.error.code, -ENOENT);
        assert_string_equal(m.error.message, "cannot mount '/proc'");
        close(pair[0]);
        close(pair[1]);
}

static void the_end_of_the_socket_is_zero(void **state)
{
        Message m;
        int pair[2];

        open_pair(pair);
        close(pair[0]);
        assert_int_equal(message_receive(pair[1], &m, NULL, 0, NULL), 0);
        close(pair[1]);
}

/* The kernel tells of the lost messages first. */
static void an_error_is_read_though_its_sender_left_messages_unread(void **state)
{
        Error sent = {0};
        Message m;
        int pair[2];

        open_pair(pair);
        error_set(&sent, -EIO, "lost");
        assert_int_equal(message_send(pair[1], MESSAGE_GO, NULL, 0), 0);
        assert_int_equal(message_send_error(pair[0], &sent), 0);
        close(pair[0]);
        assert_int_equal(message_receive(pair[1], &m, NULL, 0, NULL), 1);
        assert_string_equal(m.error.message, "lost");
        assert_int_equal(message_receive(pair[1], &m, NULL, 0, NULL), 0);
        close(pair[1]);
}

static void empty_slots_stay_empty(void **state)
{
        Message m;
        int pair[2], got[MESSAGE_FDS_MAX], slots[4] = {-1, open("/dev/null", O_RDWR | O_CLOEXEC), -1, open("/dev/null", O_RDWR)};
        size_t n = 0;

        open_pair(pair);
        assert_int_equal(message_send_trees(pair[0], slots, 4), 0);
        assert_int_equal(message_receive(pair[1], &m, got, MESSAGE_FDS_MAX, &n), 1);
        assert_int_equal(m.kind, MESSAGE_TREES);
        assert_int_equal(n, 2);
        assert_int_equal(m.slots[0], 1);
        assert_int_equal(m.slots[1], 3);
        assert_false(m.more);
        const int all[] = {pair[0], pair[1], slots[1], slots[3], got[0], got[1]};
        for (size_t i = 0; i < ELEMENTSOF(all); i++)
                close(all[i]);
}

static void more_trees_than_a_message_holds_take_two(void **state)
{
        const size_t total = MESSAGE_FDS_MAX + 3;
        _cleanup_free_ int *slots = xnew(int, total);
        int pair[2], got[MESSAGE_FDS_MAX], null = open("/dev/null", O_RDWR | O_CLOEXEC);
        size_t n = 0, all = 0;
        Message m;

        open_pair(pair);
        for (size_t i = 0; i < total; i++)
                slots[i] = null;
        assert_int_equal(message_send_trees(pair[0], slots, total), 0);
        do {
                assert_int_equal(message_receive(pair[1], &m, got, MESSAGE_FDS_MAX, &n), 1);
                for (size_t i = 0; i < n; i++) {
                        assert_int_equal(m.slots[i], all + i);
                        close(got[i]);
                }
                all += n;
        } while (m.more);
        assert_int_equal(all, total);
        close(null);
        close(pair[0]);
        close(pair[1]);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(an_error_crosses_by_value),
                        cmocka_unit_test(the_end_of_the_socket_is_zero),
                        cmocka_unit_test(an_error_is_read_though_its_sender_left_messages_unread),
                        cmocka_unit_test(empty_slots_stay_empty),
                        cmocka_unit_test(more_trees_than_a_message_holds_take_two),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
