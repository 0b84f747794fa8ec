/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/strv.h"
#include "distro/deb-database.h"

static UnpackFile file(const char *name, const char *data)
{
        return (UnpackFile){.name = xstrdup(name), .data = xstrdup(data), .len = strlen(data), .mode = 0644};
}

typedef struct Fixture {
        Tar tar;
        DebDatabase db;
        UnpackResult result;
        DebUnpacked unpacked;
} Fixture;

static int setup(void **state)
{
        static Fixture f;

        f = (Fixture){0};
        f.db.tar = &f.tar;
        f.result.control = xnew(UnpackFile, 8);
        *state = &f;
        return 0;
}

static int teardown(void **state)
{
        Fixture *f = *state;

        deb_database_done(&f->db);
        deb_unpacked_done(&f->unpacked);
        tar_done(&f->tar);
        unpack_result_done(&f->result);
        return 0;
}

static int add(Fixture *f, const char *control)
{
        f->result.control[f->result.n_control++] = file("control", control);
        int k = deb_unpacked_take(&f->unpacked, &f->result, NULL);
        if (k >= 0)
                deb_database_add(&f->db, &f->unpacked);
        return k;
}

/* Whether the archive has a file of that path. */
static bool has(Fixture *f, const char *path)
{
        for (size_t at = 0; at + 512 <= f->tar.out.len; at += 512)
                if (strcmp(f->tar.out.data + at, path) == 0)
                        return true;
        return false;
}

static void the_state_follows_the_name(void **state)
{
        Fixture *f = *state;

        assert_int_equal(add(f, "Package: p\nVersion: 1\nArchitecture: all\nDescription: x\n y\n"), 0);
        assert_string_equal(f->db.status.data,
                            "Package: p\nStatus: install ok unpacked\nVersion: 1\nArchitecture: all\nDescription: x\n y\n\n");
}

static void a_state_in_the_package_does_not_count(void **state)
{
        Fixture *f = *state;

        assert_int_equal(add(f, "Package: p\nStatus: deinstall ok installed\nArchitecture: all\n"), 0);
        assert_null(strstr(f->db.status.data, "deinstall"));
}

static void configuration_files_come_in_their_order_with_digests_and_flags(void **state)
{
        Fixture *f = *state;

        f->result.control[f->result.n_control++] = file("conffiles", "/etc/b\nremove-on-upgrade /etc/gone\n/etc/a\n");
        strv_push(&f->result.conffile_digests, "/etc/a 0cc1");
        strv_push(&f->result.conffile_digests, "/etc/b 92eb");
        assert_int_equal(add(f, "Package: p\nArchitecture: all\n"), 0);
        assert_non_null(strstr(f->db.status.data,
                               "Conffiles:\n /etc/b 92eb\n /etc/gone newconffile remove-on-upgrade\n /etc/a 0cc1\n\n"));
}

static void only_what_may_be_there_twice_has_its_architecture_in_file_names(void **state)
{
        Fixture *f = *state;

        f->result.control[f->result.n_control++] = file("postinst", "#!/bin/sh\n");
        assert_int_equal(add(f, "Package: p\nArchitecture: amd64\nMulti-Arch: same\n"), 0);
        assert_string_equal(f->unpacked.info, "p:amd64");
        assert_true(f->unpacked.postinst);
        assert_true(has(f, "var/lib/dpkg/info/p:amd64.postinst"));
        assert_false(has(f, "var/lib/dpkg/info/p:amd64.control"));
}

static void a_foreign_one_has_not(void **state)
{
        Fixture *f = *state;

        assert_int_equal(add(f, "Package: p\nArchitecture: amd64\nMulti-Arch: foreign\n"), 0);
        assert_string_equal(f->unpacked.info, "p");
}

static void interests_in_paths_and_in_names_go_to_their_files(void **state)
{
        Fixture *f = *state;

        f->result.control[f->result.n_control++] =
                        file("triggers", "# x\ninterest /usr/share/a\ninterest-noawait "
                                         "ldconfig\nactivate-noawait ldconfig\ninterest ../../etc/x\n");
        assert_int_equal(add(f, "Package: p\nArchitecture: all\n"), 0);
        assert_string_equal(f->db.file_triggers.data, "/usr/share/a p\n");
        assert_int_equal(f->db.triggers.n, 1);
        assert_string_equal(f->db.triggers.items[0].name, "ldconfig");
        assert_string_equal(f->db.triggers.items[0].lines.data, "p/noawait\n");
}

static void a_preinst_that_diverts_is_known(void **state)
{
        Fixture *f = *state;

        f->result.control[f->result.n_control++] = file("preinst", "#!/bin/sh\ndpkg-divert --rename /bin/x\n");
        assert_int_equal(add(f, "Package: p\nArchitecture: all\n"), 0);
        assert_true(f->unpacked.preinst);
        assert_true(f->unpacked.diverts);
}

static void a_name_that_would_leave_the_directory_is_refused(void **state)
{
        assert_int_equal(add(*state, "Package: ../p\nArchitecture: all\n"), -EBADMSG);
}

static void a_package_without_control_is_refused(void **state)
{
        Fixture *f = *state;

        assert_int_equal(deb_unpacked_take(&f->unpacked, &f->result, NULL), -EBADMSG);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                        T(the_state_follows_the_name),
                        T(a_state_in_the_package_does_not_count),
                        T(configuration_files_come_in_their_order_with_digests_and_flags),
                        T(only_what_may_be_there_twice_has_its_architecture_in_file_names),
                        T(a_foreign_one_has_not),
                        T(interests_in_paths_and_in_names_go_to_their_files),
                        T(a_preinst_that_diverts_is_known),
                        T(a_name_that_would_leave_the_directory_is_refused),
                        T(a_package_without_control_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
