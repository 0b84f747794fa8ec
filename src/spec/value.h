/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Value types: text to member and back. Every front end uses these same parsers. */

#include <stdbool.h>

#include "spec/field.h"

typedef enum ValueVariant { /* how a spelling differs from the plain one of its field */
                            VARIANT_PLAIN,
                            VARIANT_BIND,
                            VARIANT_BIND_READ_ONLY,
                            VARIANT_TMPFS,
                            VARIANT_OVERLAY,
                            VARIANT_OVERLAY_READ_ONLY,
                            VARIANT_INACCESSIBLE,
                            VARIANT_PRIVATE, /* network: a boolean */
                            VARIANT_CHOWN,   /* ownership: a boolean */
                            VARIANT_SET,     /* credential: ID:VALUE */
                            VARIANT_LOAD,    /* credential: ID:PATH */
                            VARIANT_WORDS,   /* lists: the text is several, quoted as in a shell */
                            _VARIANT_MAX,
} ValueVariant;

typedef struct ValueType {
        /* Reads `text` into the field of s; lists are added to. -EINVAL with *e set. */
        int (*parse)(MachineSpec *s, SpecField f, ValueVariant variant, const char *text, Error *e);
        /* Adds to *ret the texts that parse() would read back with this variant: none, one, or for lists several. */
        void (*format)(const MachineSpec *s, SpecField f, ValueVariant variant, char ***ret);
        void (*take)(MachineSpec *to, MachineSpec *from, SpecField f); /* after clear(to); leaves from's member cleared */
        void (*clear)(MachineSpec *s, SpecField f);
        const char *const *choices; /* NULL-terminated words that completion offers, NULL when free */
        bool list;                  /* an empty .nspawn value empties it */
} ValueType;

extern const ValueType value_bool, value_path, value_machine, value_hostname, value_user, value_uuid, value_strv,
                value_environment, value_signal, value_personality, value_users, value_network, value_capabilities, value_rlimit,
                value_oom_score, value_cpus, value_mounts, value_console, value_seconds, value_settings, value_volatile,
                value_pivot_root, value_slice, value_users_map, value_ownership, value_filter, value_families, value_resolv_conf,
                value_timezone, value_link_journal, value_user_names, value_user_shell, value_credentials, value_background,
                value_label, value_bundle, value_image_policy, value_root_hash, value_root_hash_sig, value_links, value_interface,
                value_zone, value_ports, value_addresses, value_mtu, value_rate, value_size, value_count, value_delegate;

/* Of every type whose member is one number, 0 = none. */
void value_u64_take(MachineSpec *to, MachineSpec *from, SpecField f);
void value_u64_clear(MachineSpec *s, SpecField f);
void value_u32_format(const MachineSpec *s, SpecField f, ValueVariant variant, char ***ret);
void value_u32_take(MachineSpec *to, MachineSpec *from, SpecField f);
void value_u32_clear(MachineSpec *s, SpecField f);

/* The member that a field's row points to. */
#define VALUE_MEMBER(T, s, f) ((T *)((char *)(s) + field_row(f)->offset))

/* Names and numbers, both ways. */
int value_find_name(const char *const *names, size_t n, const char *name); /* index, whatever the case; -EINVAL */
int value_signal_from_name(const char *name);                              /* "SIGTERM", "TERM", "RTMIN+3", "15"; -EINVAL */
char *value_signal_to_name(int signal);                                    /* "SIGTERM", "SIGRTMIN+3" */
int value_capability_from_name(const char *name);                          /* "CAP_KILL", "kill", "5"; -EINVAL */
const char *value_capability_to_name(unsigned capability);                 /* NULL: no name */
int value_capability_list(const char *text, uint64_t *ret, Error *e);      /* by commas or blanks; "all" */
int value_rlimit_from_name(const char *name);                              /* "NOFILE", "RLIMIT_NOFILE"; -EINVAL */
const char *value_rlimit_to_name(unsigned limit);                          /* "NOFILE" */
int value_family_from_name(const char *name);                              /* "AF_UNIX"; -EINVAL */
const char *value_users_to_name(SpecUsers users);
const char *value_network_to_name(SpecNetwork network);
const char *value_console_to_name(SpecConsole console);
const char *value_idmap_to_name(SpecIdmap idmap);
const char *value_ownership_to_name(SpecOwnership ownership);
const char *value_volatile_to_name(SpecVolatile mode);
const char *value_resolv_conf_to_name(SpecResolvConf mode);
const char *value_timezone_to_name(SpecTimezone mode);
const char *value_partition_to_name(SpecPartition which); /* "root-verity-sig" */
int value_partition_from_name(const char *name);          /* -EINVAL */
const char *value_policy_to_name(uint32_t bit);           /* "read-only-on" */
const char *value_link_journal_to_name(SpecLinkJournal mode);

/* A name that the kernel takes for a network interface; alternative ones (ip-link(8)) may be longer. */
bool value_interface_is_valid(const char *name, bool alternative);
/* With the length of its network's prefix, or a gateway without. */
int value_address_read(const char *word, bool gateway, SpecAddress *ret, Error *e);
char *value_address_text(const SpecAddress *a, bool with_prefix); /* "10.0.0.2/24" */

/* What the simple string types share. */
void value_string_format(const MachineSpec *s, SpecField f, ValueVariant variant, char ***ret);
void value_string_take(MachineSpec *to, MachineSpec *from, SpecField f);
void value_string_clear(MachineSpec *s, SpecField f);
void value_string_assign(MachineSpec *s, SpecField f, char *take);
void value_strv_format(const MachineSpec *s, SpecField f, ValueVariant variant, char ***ret);
void value_strv_take(MachineSpec *to, MachineSpec *from, SpecField f);
void value_strv_clear(MachineSpec *s, SpecField f);
/* An absolute path, simplified, without ".."; `what` names it in messages. */
int value_path_read(const char *text, const char *what, char **ret, Error *e);
/* Up to n fields by ":"; "\:" and "\\" are the characters themselves. Returns how many there were, -EINVAL for more. What follows the
 * last wanted colon is not split again when `rest`. */
int value_fields_split(const char *text, char **fields, int n, bool rest);
