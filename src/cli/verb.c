/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/verb.h"

#include <limits.h>

#define TABLE_OPTIONS     OPTION_NO_LEGEND, OPTION_JSON, OPTION_JSON_SHORT
#define IMPORTCTL_OPTIONS OPTION_CLASS, OPTION_CLASS_MACHINE, OPTION_NO_ASK_PASSWORD
#define PULL_OPTIONS      OPTION_KEEP_DOWNLOAD, OPTION_NO_KEEP_DOWNLOAD, IMPORTCTL_OPTIONS

/* clang-format off: one row a verb, help at the end */
const Verb verbs[_VERB_MAX] = {
                [VERB_CHECK] = {.name = "check",
                                .options = {TABLE_OPTIONS},
                                .help = "What this kernel and host offer, and what is missing",
                                .description = "Lists each kernel feature and tool that machines use, and for what is missing "
                                               "what is lost without it and "
                                               "how to get it. The exit status is 1 when something is missing that nothing works "
                                               "without."},
                [VERB_CREATE] = {.name = "create",
                                 .arguments = "NAME SOURCE",
                                 .min = 2,
                                 .max = 2,
                                 .needs_root = true,
                                 .words = WORDS_SOURCE,
                                 .options = {OPTION_VARIANT,        OPTION_INCLUDE,
                                             OPTION_EXCLUDE,        OPTION_COMPONENTS,
                                             OPTION_MIRROR,         OPTION_ARCH,
                                             OPTION_KEYRING,        OPTION_DRIVER,
                                             OPTION_ZFS_PROPERTY,   OPTION_REBUILD,
                                             OPTION_KEEP,           OPTION_ALLOW_EXPIRED,
                                             OPTION_VERIFY,         OPTION_BINHOST,
                                             OPTION_PACKAGE,        OPTION_PROFILE,
                                             OPTION_REPO,           OPTION_SEED,
                                             OPTION_PORTAGE_CONFIG, OPTION_RESPECT_USE,
                                             OPTION_MAKE_CONF,      OPTION_SHARE,
                                             OPTION_NO_SHARE,       OPTION_SHARE_FROM,
                                             OPTION_FIXUP,          OPTION_ROOT_PASSWORD_FILE,
                                             OPTION_LOCALE,         OPTION_TIMEZONE},
                                 .program = "berth-create",
                                 .help = "Make a machine from a distribution's own packages",
                                 .description = "SOURCE is DISTRIBUTION:SUITE, as debian:bookworm or ubuntu:noble; "
                                                "gentoo:stage3-systemd, which is Gentoo's "
                                                "newest stage 3 of that variant; gentoo, with --binhost= and --profile= or "
                                                "--package=, is built of binary packages; or a tar archive of a whole system, a "
                                                "file or a "
                                                "URL. The index is "
                                                "verified by its signature, the "
                                                "packages by their digests; they are unpacked by confined workers and configured "
                                                "in a machine without "
                                                "network. The finished root file system is kept: the next machine from the same "
                                                "source is a clone of it, without a look at the mirror. --rebuild looks for "
                                                "newer "
                                                "packages."},
                [VERB_RUN] = {.name = "run",
                              .arguments = "[NAME] [COMMAND…]",
                              .max = VERB_ANY,
                              .needs_root = true,
                              .rootless = ROOTLESS_ENTER,
                              .command = true,
                              .uses = SPEC_USE_RUN,
                              .words = WORDS_IMAGE_COMMAND,
                              .options = {OPTION_PLAN, OPTION_JSON, OPTION_JSON_SHORT},
                              .help = "Run a command, or with --boot the init, of a machine or directory tree in the foreground",
                              .description = "Works as systemd-nspawn(1) does: without a command it runs a shell. With "
                                             "--directory= or --machine= all "
                                             "words are the command, else the first one is the machine's name. The exit status "
                                             "is the command's."},
                [VERB_START] = {.name = "start",
                                .arguments = "NAME[@SNAPSHOT]…",
                                .min = 1,
                                .max = VERB_ANY,
                                .needs_root = true,
                                .rootless = ROOTLESS_ENTER,
                                .uses = SPEC_USE_START,
                                .words = WORDS_REMOVABLE,
                                .options = {OPTION_START_TIMEOUT, OPTION_PLAN, OPTION_JSON, OPTION_JSON_SHORT},
                                .help = "Boot machines in the background, and return when they are up",
                                .description = "A machine gets user IDs of its own and a private network, unless its settings "
                                               "file says otherwise. It is up "
                                               "when its init reports so (systemd), or when its init has been started (others). "
                                               "NAME@SNAPSHOT boots an old state beside the machine as it is, under a name and "
                                               "with an identity of its own; what it changes is thrown away when it ends."},
                [VERB_LIST] = {.name = "list",
                               .synonyms = {"ls"},
                               .options = {TABLE_OPTIONS, OPTION_MAX_ADDRESSES},
                               .help = "The machines that run (what berth does without a verb)"},
                [VERB_STATUS] = {.name = "status",
                                 .arguments = "NAME…",
                                 .min = 1,
                                 .max = VERB_ANY,
                                 .words = WORDS_RUNNING,
                                 .options = {OPTION_LINES},
                                 .help = "What there is to know of running machines, for people"},
                [VERB_SHOW] = {.name = "show",
                               .arguments = "[NAME…]",
                               .max = VERB_ANY,
                               .words = WORDS_IMAGES,
                               .options = {OPTION_JSON, OPTION_JSON_SHORT, OPTION_SHOW_PROPERTY, OPTION_SHOW_VALUE,
                                           OPTION_SHOW_ONE},
                               .help = "The properties of machines, for programs",
                               .description = "Prints KEY=VALUE lines, or JSON. Without a name: the store. For a machine that "
                                              "does not run its settings are "
                                              "shown."},
                [VERB_SHELL] = {.name = "shell",
                                .synonyms = {"exec"},
                                .arguments = "[USER@]NAME [COMMAND…]",
                                .min = 1,
                                .max = VERB_ANY,
                                .needs_root = true,
                                .rootless = ROOTLESS_PLAIN,
                                .command = true,
                                .uses = SPEC_USE_SHELL,
                                .words = WORDS_RUNNING_COMMAND,
                                .help = "Run a command, or a login shell, in a running machine",
                                .description = "Needs nothing inside but what is run. There is a terminal if and only if "
                                               "standard "
                                               "input is one. The exit "
                                               "status is the command's, or 128 and the number of the signal that ended it."},
                [VERB_LOGIN] = {.name = "login",
                                .arguments = "NAME",
                                .min = 1,
                                .max = 1,
                                .needs_root = true,
                                .rootless = ROOTLESS_PLAIN,
                                .uses = 0,
                                .words = WORDS_RUNNING,
                                .help = "Log in at a new terminal of a running machine, with its own login program",
                                .description = "The machine needs no getty, D-Bus or systemd for it, only agetty or login; ^] "
                                               "three "
                                               "times within a second ends it."},
                [VERB_CONSOLE] = {.name = "console",
                                  .arguments = "NAME",
                                  .min = 1,
                                  .max = 1,
                                  .needs_root = true,
                                  .words = WORDS_RUNNING,
                                  .help = "Attach the terminal to the console of a machine in the background",
                                  .description = "^] three times within a second detaches; the machine goes on, and when it "
                                                 "restarts "
                                                 "so does its console. Several may be attached."},
                [VERB_LOG] = {.name = "log",
                              .arguments = "NAME",
                              .min = 1,
                              .max = 1,
                              .needs_root = true,
                              .rootless = ROOTLESS_PLAIN,
                              .words = WORDS_IMAGES,
                              .options = {OPTION_LINES, OPTION_FOLLOW},
                              .help = "What the console of a machine showed, running or when it last ran",
                              .description = "As plain text. The last MiB of a machine that runs, since it was started; when it "
                                             "has ended "
                                             "the log is kept as NAME.log in /var/log/berth, with three older ones."},
                [VERB_TOP] = {.name = "top",
                              .options = {TABLE_OPTIONS, OPTION_TIMES},
                              .help = "CPU time, memory and tasks of the machines that run",
                              .description = "Once a second on a terminal, until it is interrupted; elsewhere once. CPU% is of "
                                             "one CPU. "
                                             "Memory is what its control group counts, or where it has none, what its processes "
                                             "have."},
                [VERB_CHROOT] = {.name = "chroot",
                                 .arguments = "DIRECTORY|NAME [COMMAND…]",
                                 .min = 1,
                                 .max = VERB_ANY,
                                 .needs_root = true,
                                 .command = true,
                                 .words = WORDS_IMAGE_COMMAND,
                                 .options = {OPTION_BOOT, OPTION_READ_ONLY},
                                 .help = "Run a command, or a login shell, with all rights in a tree that does not run",
                                 .description = "To rescue a system whose disk is mounted, or to install one by hand: what has a "
                                                "'/' in it is a directory. The host's /dev and /sys are there, with /proc, an "
                                                "empty /run and the host's resolv.conf; the environment is clean, and "
                                                "/etc/profile is "
                                                "read first. All of it is mounted in a namespace of the command's own, so that "
                                                "the host has nothing to unmount, and what the command leaves running ends with "
                                                "it. The tree is not protected from the command, nor is the host: for that there "
                                                "is 'berth run'."},
                [VERB_PROFILE] =
                                {.name = "profile",
                                 .arguments = "NAME [list|show|set PROFILE]",
                                 .min = 1,
                                 .max = 3,
                                 .needs_root = true,
                                 .words = WORDS_IMAGE_ONCE,
                                 .options = {TABLE_OPTIONS},
                                 .program = "berth-create",
                                 .help = "List, show or set the profile of a Gentoo machine",
                                 .description = "As eselect-profile(8) does for a host: those of the repositories that the "
                                                "machine "
                                                "has or shares, for its architecture. PROFILE is REPOSITORY:PATH, or a path that "
                                                "one of them has; it is read with all its parents before it is set. The machine "
                                                "may run."},
                [VERB_SNAPSHOT] =
                                {.name = "snapshot",
                                 .arguments = "NAME SNAPSHOT | NAME… --set=SET | NAME… --keep=RULE",
                                 .min = 1,
                                 .max = VERB_ANY,
                                 .needs_root = true,
                                 .words = WORDS_IMAGES,
                                 .options = {OPTION_SET, OPTION_KEEP_RULE},
                                 .help = "Keep the present state of machines under a name",
                                 .description = "A running machine is held still for that moment. With --set all machines named "
                                                "are "
                                                "held still together, and get a snapshot of the set's name, all or none; 'berth "
                                                "rollback --set=SET' goes back with all of them. With --keep, for cron or a "
                                                "timer, "
                                                "the snapshot is named auto-TIME (in UTC), and of those that were made so, the "
                                                "newest "
                                                "of each of the last N hours, days, weeks, months and years that have one are "
                                                "kept; "
                                                "others are removed. Snapshots that you named yourself are never touched."},
                [VERB_SNAPSHOTS] = {.name = "snapshots",
                                    .arguments = "NAME",
                                    .min = 1,
                                    .max = 1,
                                    .needs_root = true,
                                    .words = WORDS_IMAGE_ONCE,
                                    .options = {TABLE_OPTIONS},
                                    .help = "The snapshots of a machine, oldest first",
                                    .description = "One of them is deleted by 'berth remove NAME@SNAPSHOT'."},
                [VERB_DIFF] = {.name = "diff",
                               .arguments = "NAME@SNAPSHOT [NAME[@SNAPSHOT]]",
                               .min = 1,
                               .max = 2,
                               .needs_root = true,
                               .words = WORDS_REMOVABLE,
                               .options = {TABLE_OPTIONS},
                               .help = "What changed between two snapshots, or since one: files and packages",
                               .description = "Files that were added (+), changed (~, with what of them) and removed (-), then "
                                              "packages by "
                                              "the records of dpkg, apk, pacman and Portage. Without a second state it is the "
                                              "machine as "
                                              "it is, which may run."},
                [VERB_CLONE] = {.name = "clone",
                                .arguments = "NAME NEW-NAME",
                                .min = 2,
                                .max = 2,
                                .needs_root = true,
                                .words = WORDS_IMAGE_ONCE,
                                .options = {OPTION_SAME, OPTION_OTHER_DRIVER},
                                .help = "Make a second machine of the present state of one",
                                .description = "A running machine is held still for that moment. The second machine gets an "
                                               "identity of its own, and what was reset is listed: machine-id, SSH host keys "
                                               "(new ones are made when it starts), random seed, DHCP DUID and leases, and the "
                                               "name in /etc/hostname if it is that of the first. The MAC address of its network "
                                               "comes from its name anyway. With --driver= of another kind it is a whole copy."},
                [VERB_CONVERT] = {.name = "convert",
                                  .arguments = "NAME --driver=DRIVER",
                                  .min = 1,
                                  .max = 1,
                                  .needs_root = true,
                                  .words = WORDS_IMAGE_ONCE,
                                  .options = {OPTION_OTHER_DRIVER, OPTION_WITHOUT_SNAPSHOTS},
                                  .help = "Store a machine by another driver",
                                  .description = "Its files are copied, and then take the place of the old ones in one step. "
                                                 "Name, "
                                                 "settings, identity, limit and ID range stay, and so do snapshots, in their "
                                                 "order: "
                                                 "each becomes a whole copy (with shared blocks only where the new driver finds "
                                                 "some), which --without-snapshots spares. On zfs their dates are those of the "
                                                 "conversion. The machine must not run. Disk images are not looked into."},
                [VERB_FLATTEN] = {.name = "flatten",
                                  .arguments = "NAME…",
                                  .min = 1,
                                  .max = VERB_ANY,
                                  .needs_root = true,
                                  .words = WORDS_IMAGES,
                                  .help = "Merge the layers of machines on the overlay driver into one",
                                  .description = "The machine then shares nothing any more and stands on one layer; its "
                                                 "snapshots "
                                                 "stay as they are. It must not run."},
                [VERB_FSCK] = {.name = "fsck",
                               .arguments = "[NAME]",
                               .max = 1,
                               .needs_root = true,
                               .words = WORDS_IMAGE_ONCE,
                               .options = {OPTION_REPAIR, TABLE_OPTIONS},
                               .help = "Look for what should not be in the store",
                               .description = "What killed commands left (every other command clears it, fsck without --repair "
                                              "tells of it "
                                              "first), locks nobody holds, layers nobody uses and layers that are missing, "
                                              "images "
                                              "that cannot be used or are hidden by another, snapshots and sets of machines that "
                                              "are gone, "
                                              "ID ranges of no machine or of two, datasets that are not mounted. What has "
                                              "content is never "
                                              "removed, but told. The exit status is that of fsck(8): 0 all is well, 1 all was "
                                              "repaired, 4 "
                                              "something is left (5: both), 8 the check itself failed."},
                [VERB_ROLLBACK] =
                                {.name = "rollback",
                                 .arguments = "NAME SNAPSHOT | --set=SET",
                                 .max = 2,
                                 .needs_root = true,
                                 .words = WORDS_SNAPSHOT,
                                 .options = {OPTION_RESTART, OPTION_ROLLBACK_SET},
                                 .help = "Give up the present state of a machine for that of a snapshot",
                                 .description =
                                                 "A running machine is refused without --restart. Newer snapshots stay. With "
                                                 "--set: "
                                                 "all machines of a set, or none if one of them cannot: what was done is undone, "
                                                 "after a kill by the next command."},
                [VERB_POWEROFF] = {.name = "poweroff",
                                   .synonyms = {"stop"},
                                   .arguments = "NAME…",
                                   .min = 1,
                                   .max = VERB_ANY,
                                   .needs_root = true,
                                   .rootless = ROOTLESS_PLAIN,
                                   .words = WORDS_RUNNING,
                                   .options = {OPTION_TIMEOUT},
                                   .help = "Ask machines to shut down cleanly, and wait for it"},
                [VERB_REBOOT] = {.name = "reboot",
                                 .synonyms = {"restart"},
                                 .arguments = "NAME…",
                                 .min = 1,
                                 .max = VERB_ANY,
                                 .needs_root = true,
                                 .rootless = ROOTLESS_ENTER,
                                 .words = WORDS_RUNNING,
                                 .options = {OPTION_TIMEOUT},
                                 .help = "Ask machines to shut down cleanly and start again, and wait until they are up",
                                 .description = "A machine whose init cannot be asked for that is powered off and started with "
                                                "the "
                                                "settings that it has on disk; so is one that does not follow in time, which is "
                                                "killed."},
                [VERB_ENABLE] = {.name = "enable",
                                 .arguments = "NAME…",
                                 .min = 1,
                                 .max = VERB_ANY,
                                 .needs_root = true,
                                 .words = WORDS_IMAGES,
                                 .options = {OPTION_ENABLE_NOW, OPTION_AFTER, OPTION_DELAY},
                                 .help = "Start machines with the host",
                                 .description = "On a host with systemd each is a unit, berth@NAME.service, which drop-ins can "
                                                "change; "
                                                "elsewhere 'berth autostart' starts them."},
                [VERB_DISABLE] = {.name = "disable",
                                  .arguments = "NAME…",
                                  .min = 1,
                                  .max = VERB_ANY,
                                  .needs_root = true,
                                  .words = WORDS_IMAGES,
                                  .options = {OPTION_DISABLE_NOW},
                                  .help = "Do not start machines with the host any more"},
                [VERB_AUTOSTART] =
                                {.name = "autostart",
                                 .needs_root = true,
                                 .help = "Start all enabled machines, for an init script or rc.local",
                                 .description =
                                                 "Two for each CPU at a time, in the order of --after and --delay; there is no "
                                                 "time-out, so that a machine that upgrades itself when it boots is left to it. "
                                                 "The others go on when one fails, and the exit status is 1 then. An init script "
                                                 "for "
                                                 "OpenRC is in PREFIX/share/berth."},
                [VERB_TERMINATE] = {.name = "terminate",
                                    .arguments = "NAME…",
                                    .min = 1,
                                    .max = VERB_ANY,
                                    .needs_root = true,
                                    .rootless = ROOTLESS_PLAIN,
                                    .words = WORDS_RUNNING,
                                    .help = "Kill all processes of machines at once"},
                [VERB_KILL] = {.name = "kill",
                               .arguments = "NAME…",
                               .min = 1,
                               .max = VERB_ANY,
                               .needs_root = true,
                               .rootless = ROOTLESS_PLAIN,
                               .words = WORDS_RUNNING,
                               .options = {OPTION_KILL_WHOM, OPTION_SIGNAL},
                               .help = "Send a signal to the processes of machines"},
                [VERB_PAUSE] = {.name = "pause",
                                .arguments = "NAME…",
                                .min = 1,
                                .max = VERB_ANY,
                                .needs_root = true,
                                .rootless = ROOTLESS_PLAIN,
                                .words = WORDS_RUNNING,
                                .help = "Hold all processes of machines still",
                                .description = "They stay in memory and use no CPU time, until 'berth resume', or until the "
                                               "machine "
                                               "is powered off, for which it is let go first."},
                [VERB_RESUME] = {.name = "resume",
                                 .arguments = "NAME…",
                                 .min = 1,
                                 .max = VERB_ANY,
                                 .needs_root = true,
                                 .rootless = ROOTLESS_PLAIN,
                                 .words = WORDS_RUNNING,
                                 .help = "Let paused machines go on"},
                [VERB_WAIT] = {.name = "wait",
                               .arguments = "NAME…",
                               .min = 1,
                               .max = VERB_ANY,
                               .words = WORDS_IMAGES,
                               .options = {OPTION_WAIT_FOR, OPTION_WAIT_TIMEOUT},
                               .help = "Wait until machines run, are ready, or have ended",
                               .description = "Ready is what the machine's init says itself (systemd), or what can be seen of it "
                                              "from "
                                              "outside: the default runlevel is reached (OpenRC), the services are being "
                                              "supervised "
                                              "(runit, s6, dinit), or a getty or other lasting entry of /etc/inittab has been "
                                              "started "
                                              "(sysvinit, BusyBox)."},
                [VERB_BIND] = {.name = "bind",
                               .arguments = "NAME PATH [PATH-INSIDE]",
                               .min = 2,
                               .max = 3,
                               .needs_root = true,
                               .words = WORDS_RUNNING_FILE,
                               .options = {OPTION_BIND_READ_ONLY, OPTION_MKDIR},
                               .help = "Mount a file or directory of the host in a running machine",
                               .description = "With what is mounted below it, at the same path if no other is given, and until "
                                              "the "
                                              "machine ends. Owners are mapped: who is 1000 on the host is 1000 inside."},
                [VERB_COPY_TO] = {.name = "copy-to",
                                  .arguments = "NAME PATH [PATH-INSIDE]",
                                  .min = 2,
                                  .max = 3,
                                  .needs_root = true,
                                  .words = WORDS_RUNNING_FILE,
                                  .options = {OPTION_COPY_FORCE},
                                  .help = "Copy a file or directory of the host into a running machine",
                                  .description = "To the same path if no other is given, whose directory is made. Owners are "
                                                 "mapped. "
                                                 "Set-ID bits, device nodes, and attributes other than user.* are left out."},
                [VERB_COPY_FROM] = {.name = "copy-from",
                                    .arguments = "NAME PATH-INSIDE [PATH]",
                                    .min = 2,
                                    .max = 3,
                                    .needs_root = true,
                                    .words = WORDS_RUNNING_FILE,
                                    .options = {OPTION_COPY_FORCE},
                                    .help = "Copy a file or directory of a running machine to the host",
                                    .description = "As copy-to; the machine's links lead nowhere out of it."},
                [VERB_REMOVE] = {.name = "remove",
                                 .synonyms = {"rm"},
                                 .arguments = "NAME[@SNAPSHOT]… | --set=SET",
                                 .max = VERB_ANY,
                                 .needs_root = true,
                                 .rootless = ROOTLESS_ENTER,
                                 .words = WORDS_REMOVABLE,
                                 .options = {OPTION_REMOVE_SET},
                                 .help = "Delete machines with their snapshots, or single snapshots",
                                 .description = "With @SNAPSHOT only that state is given up; the machine may run meanwhile. With "
                                                "--set: "
                                                "the snapshots of a set, of all its machines."},
                [VERB_RENAME] = {.name = "rename",
                                 .arguments = "NAME NEW-NAME",
                                 .min = 2,
                                 .max = 2,
                                 .needs_root = true,
                                 .words = WORDS_IMAGE_ONCE,
                                 .help = "Give a machine another name",
                                 .description = "Its snapshots, its .nspawn file (in /etc/systemd/nspawn, /run/systemd/nspawn or "
                                                "beside "
                                                "it) and its user IDs go along. It must not run."},
                [VERB_READ_ONLY] =
                                {.name = "read-only",
                                 .arguments = "NAME [BOOL]",
                                 .min = 1,
                                 .max = 2,
                                 .needs_root = true,
                                 .words = WORDS_IMAGE_ONCE,
                                 .help = "Mark a machine read-only, or with 'no' writable again",
                                 .description =
                                                 "The mark is machinectl's: the flag of a subvolume, the read-only property of a "
                                                 "dataset, the immutable attribute of a directory. A machine with it starts with "
                                                 "a "
                                                 "read-only root, and is not removed or rolled back."},
                [VERB_SET_LIMIT] = {.name = "set-limit",
                                    .arguments = "NAME BYTES",
                                    .min = 2,
                                    .max = 2,
                                    .needs_root = true,
                                    .words = WORDS_IMAGE_ONCE,
                                    .help = "Limit the disk space of a machine",
                                    .description = "BYTES may end in K, M, G or T; '-' is no limit. It counts what the machine "
                                                   "refers "
                                                   "to, shared or not. On btrfs the first limit turns quotas on for the file "
                                                   "system."},
                [VERB_CAT] = {.name = "cat",
                              .arguments = "NAME|FILE…",
                              .min = 1,
                              .max = VERB_ANY,
                              .words = WORDS_IMAGES,
                              .help = "Print the settings files of machines",
                              .description = "The .nspawn file that holds for each machine, with its path in a comment before "
                                             "it."},
                [VERB_EDIT] = {.name = "edit",
                               .arguments = "NAME|FILE…",
                               .min = 1,
                               .max = VERB_ANY,
                               .needs_root = true,
                               .rootless = ROOTLESS_PLAIN,
                               .words = WORDS_IMAGES,
                               .help = "Edit the settings files of machines",
                               .description = "With $SYSTEMD_EDITOR, $EDITOR, $VISUAL or what editor there is, on a copy that "
                                              "takes "
                                              "the file's place when it can be read: a mistake is shown with its line, and the "
                                              "copy "
                                              "is kept. A machine that has no file gets one in /etc/systemd/nspawn."},
                [VERB_CLEAN] = {.name = "clean",
                                .needs_root = true,
                                .options = {OPTION_CACHE, OPTION_CLEAN_ALL},
                                .program = "berth-create",
                                .help = "Remove hidden images, or with --cache what nothing needs any more",
                                .description = "Hidden images are the finished ones that machines are cloned from: without them "
                                               "the "
                                               "next create builds anew. With --all machines that do not run are removed, too. "
                                               "With --cache only: packages that the newest package lists do not name, and "
                                               "finished "
                                               "images that no source leads to any more. What can still be of use stays, as with "
                                               "apt-get autoclean. Machines are not touched."},
                [VERB_IMPORT_TAR] =
                                {.name = "import-tar",
                                 .arguments = "FILE [NAME]",
                                 .min = 1,
                                 .max = 2,
                                 .needs_root = true,
                                 .words = WORDS_FILE,
                                 .options = {OPTION_FORCE, OPTION_MARK_READ_ONLY, OPTION_LIMIT, OPTION_DRIVER, IMPORTCTL_OPTIONS},
                                 .program = "berth-create",
                                 .help = "Make a machine of a tar archive",
                                 .description =
                                                 "FILE is a tar archive in any compression, '-' is standard input. It is "
                                                 "decompressed and unpacked by confined processes, that can do nothing but fill "
                                                 "the new machine: an entry that climbs out of it, a device node outside /dev or "
                                                 "an owner beyond 65535 is refused with the whole. --force replaces what is in a "
                                                 "machine of that name; its snapshots stay. NAME is by default that of the "
                                                 "file."},
                [VERB_IMPORT_RAW] =
                                {.name = "import-raw",
                                 .arguments = "FILE [NAME]",
                                 .min = 1,
                                 .max = 2,
                                 .needs_root = true,
                                 .words = WORDS_FILE,
                                 .options = {OPTION_FORCE, OPTION_MARK_READ_ONLY, OPTION_LIMIT, IMPORTCTL_OPTIONS},
                                 .program = "berth-create",
                                 .help = "Make a machine of a disk image",
                                 .description =
                                                 "FILE is a raw disk image or one of QEMU's (qcow2), in any compression, '-' is "
                                                 "standard input. It is decompressed and converted by confined processes, and "
                                                 "kept as NAME.raw with holes where there are only zeros; an uncompressed one on "
                                                 "the same file system shares its blocks where that can. What has neither a "
                                                 "partition table nor a file system is refused. --force replaces the disk of a "
                                                 "machine of that name; its snapshots stay. NAME is by default that of the "
                                                 "file."},
                [VERB_IMPORT_FS] =
                                {.name = "import-fs",
                                 .arguments = "DIRECTORY [NAME]",
                                 .min = 1,
                                 .max = 2,
                                 .needs_root = true,
                                 .words = WORDS_FILE,
                                 .options = {OPTION_FORCE, OPTION_MARK_READ_ONLY, OPTION_DRIVER, IMPORTCTL_OPTIONS},
                                 .program = "berth-create",
                                 .help = "Make a machine of a directory tree",
                                 .description =
                                                 "The tree is copied with owners, attributes, hard links and holes, with shared "
                                                 "blocks where the file system can. Other file systems that are mounted in it "
                                                 "are "
                                                 "left out, so that 'berth import-fs / NAME' makes a machine of the host's "
                                                 "root."},
                [VERB_EXPORT_TAR] =
                                {.name = "export-tar",
                                 .arguments = "NAME[@SNAPSHOT] [FILE]",
                                 .min = 1,
                                 .max = 2,
                                 .needs_root = true,
                                 .words = WORDS_IMAGE_FILE,
                                 .options = {OPTION_FORMAT, OPTION_FORCE, IMPORTCTL_OPTIONS},
                                 .program = "berth-create",
                                 .help = "Pack a machine, or one of its snapshots, into a tar archive",
                                 .description =
                                                 "Without FILE, or with '-', it goes to standard output. The archive has numeric "
                                                 "owners, times, ACLs, file capabilities and user attributes, hard links and "
                                                 "holes; the same tree gives the same bytes. FILE is there when it is whole. A "
                                                 "machine that runs is exported by a snapshot."},
                [VERB_EXPORT_RAW] =
                                {.name = "export-raw",
                                 .arguments = "NAME[@SNAPSHOT] [FILE]",
                                 .min = 1,
                                 .max = 2,
                                 .needs_root = true,
                                 .words = WORDS_IMAGE_FILE,
                                 .options = {OPTION_FORMAT, OPTION_FORCE, IMPORTCTL_OPTIONS},
                                 .program = "berth-create",
                                 .help = "Write the disk image of a machine, or of one of its snapshots, to a file",
                                 .description =
                                                 "For machines that are disk images (NAME.raw); 'berth export-tar' packs the "
                                                 "others. Without FILE, or with '-', it goes to standard output. An uncompressed "
                                                 "file keeps its holes, and shares its blocks where the file system can. FILE is "
                                                 "there when it is whole. A machine that runs is exported by a snapshot."},
                [VERB_PULL_TAR] = {.name = "pull-tar",
                                   .arguments = "URL [NAME]",
                                   .min = 1,
                                   .max = 2,
                                   .needs_root = true,
                                   .options = {OPTION_VERIFY, OPTION_KEYRING, OPTION_MARK_READ_ONLY, OPTION_FORCE, PULL_OPTIONS,
                                               OPTION_LIMIT, OPTION_DRIVER},
                                   .program = "berth-create",
                                   .help = "Make a machine of a tar archive on a web server",
                                   .description = "The archive must have the checksum that SHA256SUMS beside it on the server "
                                                  "says, and "
                                                  "that be signed in SHA256SUMS.gpg by a key of --keyring (by default "
                                                  "/etc/systemd/import-pubring.pgp, as for importctl). With --verify=checksum no "
                                                  "signature is needed, and NAME.sha256 will do. A download that broke off is "
                                                  "resumed. The unpacked image is kept, and the machine is a clone of it with an "
                                                  "identity of its own: another pull of the same archive fetches only the "
                                                  "checksums. NAME '-' makes the image alone; 'berth clean' removes it. With "
                                                  "--keep-download=no there is no image, and the next pull begins anew. --force "
                                                  "replaces what is in a machine of that name; its snapshots stay. NAME.nspawn "
                                                  "beside the archive is taken when SHA256SUMS has it, too. Proxies are those of "
                                                  "http_proxy, https_proxy, all_proxy and no_proxy."},
                [VERB_PULL_RAW] =
                                {.name = "pull-raw",
                                 .arguments = "URL [NAME]",
                                 .min = 1,
                                 .max = 2,
                                 .needs_root = true,
                                 .options = {OPTION_VERIFY, OPTION_KEYRING, OPTION_MARK_READ_ONLY, OPTION_FORCE, PULL_OPTIONS,
                                             OPTION_LIMIT},
                                 .program = "berth-create",
                                 .help = "Make a machine of a disk image on a web server",
                                 .description =
                                                 "As pull-tar does it, for what import-raw takes. NAME.roothash, "
                                                 "NAME.roothash.p7s, "
                                                 "NAME.verity and NAME.nspawn beside it on the server are put beside the machine "
                                                 "when SHA256SUMS has them, too; with --verify=no, when they are there. The disk "
                                                 "is not looked into: the machine has the identity that the image has."},
                [VERB_SEND] = {.name = "send",
                               .arguments = "NAME[@SNAPSHOT]",
                               .min = 1,
                               .max = 1,
                               .needs_root = true,
                               .words = WORDS_REMOVABLE,
                               .options = {OPTION_FROM},
                               .program = "berth-create",
                               .help = "Write a machine, or one of its snapshots, as a stream that 'berth receive' takes",
                               .description = "To standard output: berth send web@monday | ssh host berth receive web. It fits "
                                              "every "
                                              "driver on the other side. A machine that runs is held still for the moment of a "
                                              "snapshot, which is dropped afterwards. With --from= only what changed "
                                              "between two snapshots is sent, for a machine that has received the first one. "
                                              "Settings "
                                              "(.nspawn) do not go along."},
                [VERB_RECEIVE] = {.name = "receive",
                                  .arguments = "NAME [FILE]",
                                  .min = 1,
                                  .max = 2,
                                  .needs_root = true,
                                  .options = {OPTION_DRIVER, OPTION_LIMIT, OPTION_GIVE_UP},
                                  .program = "berth-create",
                                  .help = "Make a machine of a stream of 'berth send', or bring it to a newer state",
                                  .description = "From FILE or standard input. A whole state becomes a new machine, with the "
                                                 "snapshot "
                                                 "that was sent. A change goes on from a snapshot that was received before: the "
                                                 "machine must not run, nor have been changed since without --force, and gets "
                                                 "the new "
                                                 "snapshot. It is unpacked by the confined processes of import-tar, with their "
                                                 "limits; "
                                                 "a stream whose digest is wrong, or that ends early, changes nothing."},
                [VERB_LIST_TRANSFERS] = {.name = "list-transfers",
                                         .needs_root = true,
                                         .options = {TABLE_OPTIONS},
                                         .program = "berth-create",
                                         .help = "Imports, exports and pulls that run, in importctl's columns"},
                [VERB_CANCEL_TRANSFER] = {.name = "cancel-transfer",
                                          .arguments = "ID…",
                                          .min = 1,
                                          .max = VERB_ANY,
                                          .needs_root = true,
                                          .program = "berth-create",
                                          .help = "End transfers of other commands, and remove what they had begun"},
                [VERB_IMAGES] = {.name = "images",
                                 .needs_root = true,
                                 .rootless = ROOTLESS_ENTER,
                                 .options = {TABLE_OPTIONS},
                                 .help = "The machines in the store, running or not"},
                [VERB_LIST_IMAGES] = {.name = "list-images",
                                      .needs_root = true,
                                      .rootless = ROOTLESS_ENTER,
                                      .options = {OPTION_ALL, TABLE_OPTIONS},
                                      .help = "The machines in the store, in machinectl's columns",
                                      .description = "The usage is shown where the file system keeps count of it."},
                [VERB_IMAGE_STATUS] = {.name = "image-status",
                                       .arguments = "[NAME…]",
                                       .max = VERB_ANY,
                                       .needs_root = true,
                                       .rootless = ROOTLESS_ENTER,
                                       .words = WORDS_IMAGES,
                                       .help = "What there is to know of machines in the store, or of the store, for people"},
                [VERB_SHOW_IMAGE] = {.name = "show-image",
                                     .arguments = "[NAME…]",
                                     .max = VERB_ANY,
                                     .needs_root = true,
                                     .rootless = ROOTLESS_ENTER,
                                     .words = WORDS_IMAGES,
                                     .options = {OPTION_JSON, OPTION_JSON_SHORT, OPTION_SHOW_PROPERTY, OPTION_SHOW_VALUE,
                                                 OPTION_SHOW_ONE},
                                     .help = "The properties of machines in the store, or of the store, for programs",
                                     .description = "Numbers that nobody keeps count of are 18446744073709551615, as machinectl "
                                                    "shows "
                                                    "them, and null in JSON."},
                [VERB_NETWORK] = {.name = "network",
                                  .arguments = "[list] | create NAME | show NAME | delete NAME… | up [NAME…]",
                                  .max = VERB_ANY,
                                  .needs_root = true,
                                  .words = WORDS_NETWORK,
                                  .options = {OPTION_UPLINK, OPTION_TYPE, OPTION_TAKE_OVER, OPTION_NETWORK_ADDRESS,
                                              OPTION_NETWORK_GATEWAY, OPTION_DHCP, OPTION_ACCEPT_RA, OPTION_VLAN, TABLE_OPTIONS},
                                  .help = "Networks that lead machines into the host's LAN: create, list, show, delete, up",
                                  .description = "'create NAME --uplink=INTERFACE' makes a bridge with that interface as a port; "
                                                 "machines join it with --network-bridge=NAME (Bridge=NAME), and get their "
                                                 "addresses from the LAN. With --type=macvlan it is a macvlan of the interface, "
                                                 "by "
                                                 "which the host speaks with machines that have --network-macvlan=NAME. The host "
                                                 "has no address there unless it is given one; it does not listen to IPv6 "
                                                 "routers. "
                                                 "An uplink by which the host itself is reached is refused without --take-over. "
                                                 "All "
                                                 "of it is done, or nothing. Where systemd-networkd runs, it gets files in "
                                                 "/etc/systemd/network by which it makes the network after a boot; elsewhere "
                                                 "'berth network up' does, from a script of the boot, or the first machine "
                                                 "that joins it. 'delete' gives the uplink back what was taken over."},
                [VERB_UNSHARE] = {.name = "unshare",
                                  .arguments = "COMMAND…",
                                  .min = 1,
                                  .max = VERB_ANY,
                                  .command = true,
                                  .rootless = ROOTLESS_ENTER,
                                  .help = "Run a command as root over an ordinary user's own IDs",
                                  .description = "In the user namespace in which an ordinary user's machines run: their files "
                                                 "belong to "
                                                 "the user and to the IDs "
                                                 "of /etc/subuid, and only there can be unpacked, looked at and removed as their "
                                                 "machines have them."},
                [VERB_HELP] = {.name = "help",
                               .arguments = "[VERB]",
                               .max = 1,
                               .words = WORDS_VERBS,
                               .help = "Show help for all or for one verb"},
                [VERB_VERSION] = {.name = "version", .help = "Show the version"},
};
/* clang-format on */
