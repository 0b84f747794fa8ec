/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "machine/run-packages.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

static char top[] = "/tmp/test-packages.XXXXXX";

static void put(const char *path, const char *text)
{
        _cleanup_free_ char *full = path_join(top, path), *dir = path_dirname(full);

        assert_int_equal(file_mkdir_p(dir, 0755), 0);
        assert_int_equal(file_write_at(AT_FDCWD, full, text, 0644), 0);
}

static void expect(const char *want)
{
        _cleanup_close_ int fd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        Packages p;
        char got[1024] = "";

        assert_int_equal(packages_read(fd, &p, NULL), 0);
        for (size_t i = 0; i < p.n; i++) {
                strcat(got, i > 0 ? "," : "");
                strcat(strcat(strcat(got, p.items[i].name), "="), p.items[i].version);
        }
        assert_string_equal(got, want);
        packages_done(&p);
}

static int begin(void **state)
{
        strcpy(top, "/tmp/test-packages.XXXXXX");
        return mkdtemp(top) ? 0 : -1;
}

static int end(void **state)
{
        return file_remove_tree_at(AT_FDCWD, top);
}

static void test_none(void **state)
{
        expect("");
}

static void test_dpkg(void **state)
{
        put("var/lib/dpkg/status",
            "Package: zlib\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1:1.2\nDescription: x\n"
            " Version: 9\n\nPackage: gone\nStatus: deinstall ok config-files\nArchitecture: all\nVersion: 2\n\n"
            "Package: half\nStatus: install ok half-installed\nVersion: 3\nArchitecture: all\n\n"
            "Package: a\nStatus: hold ok installed\nArchitecture: all\nVersion: 1");
        expect("a:all=1,zlib:amd64=1:1.2");
}

static void test_apk(void **state)
{
        put("lib/apk/db/installed", "C:Q1x=\nP:musl\nV:1.2.5-r0\nA:x86_64\nF:lib\nR:x\n\nP:busybox\nV:1.37\n\n");
        expect("busybox=1.37,musl=1.2.5-r0");
}

static void test_directories(void **state)
{
        put("var/lib/pacman/local/gcc-libs-14.2.1+r134-1/desc", "");
        put("var/lib/pacman/local/ALPM_DB_VERSION", "9");
        put("var/db/pkg/sys-apps/portage-3.0.65-r1/PF", "");
        put("var/db/pkg/media-libs/font-adobe-100dpi-1.0.4/PF", "");
        put("var/db/pkg/dev-lang/python-3.12.1/PF", "");
        put("var/db/pkg/dev-lang/python-3.13.0/PF", "");
        expect("dev-lang/python=3.12.1,dev-lang/python=3.13.0,gcc-libs=14.2.1+r134-1,media-libs/font-adobe-100dpi=1.0.4,"
               "sys-apps/portage=3.0.65-r1");
}

/* In an image that is hostile. */
static void test_no_files(void **state)
{
        _cleanup_free_ char *status = path_join(top, "var/lib/dpkg/status"), *db = path_join(top, "lib/apk/db/installed");

        put("var/lib/dpkg/x", "");
        put("lib/apk/db/x", "");
        assert_int_equal(mkfifo(status, 0644), 0);
        assert_int_equal(symlink("/dev/zero", db), 0);
        expect("");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test_setup_teardown(test_none, begin, end),
                        cmocka_unit_test_setup_teardown(test_dpkg, begin, end),
                        cmocka_unit_test_setup_teardown(test_apk, begin, end),
                        cmocka_unit_test_setup_teardown(test_directories, begin, end),
                        cmocka_unit_test_setup_teardown(test_no_files, begin, end),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
