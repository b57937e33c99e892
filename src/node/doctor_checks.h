/*
 * The rooms of the doctor among themselves. A check looks, which fills a struct of facts, and then judges these facts: the
 * judgement is a pure function, so that tests can give it situations that no test machine is in.
 */
#ifndef RENSA_SRC_NODE_DOCTOR_CHECKS_H
#define RENSA_SRC_NODE_DOCTOR_CHECKS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "net/netaddr.h"
#include "node/config.h"
#include "peer/handshake.h"
#include "util/attr.h"
#include "util/err.h"

#define DOCTOR_NO_LIMIT UINT64_MAX
#define DOCTOR_WHO_SIZE 40
#define DOCTOR_SIZE_TEXT 24

/* What was found */

enum finding_state {
	FOUND_OK,
	FOUND_NOTE,    /* good to know, nothing to do about it now */
	FOUND_WARNING, /* the node runs, but not as well or as safely as it might */
	FOUND_PROBLEM  /* the node does not start, or will lose something, or finds no others */
};

struct finding {
	const char *check;
	enum finding_state state;
	char *message;
	char *fix; /* NULL: none is needed */
};

struct findings {
	const char *check; /* whose turn it is */
	struct finding *at;
	size_t count;
};

void found(struct findings *f, enum finding_state state, const char *fmt, ...) PRINTFLIKE(3, 4);
/* What to do about the last. */
void advise(struct findings *f, const char *fmt, ...) PRINTFLIKE(2, 3);
void findings_clear(struct findings *f);

/* The patient */

struct doctor {
	const struct config *config;
	const char *path; /* of its file */
	pid_t node;	  /* the master that runs on the data folder, 0: none that can be seen */
};

/* A size for people: "64 MiB". Returns text. */
const char *doctor_size(char text[DOCTOR_SIZE_TEXT], uint64_t bytes);
/* A user by name, or by number if it has none. Returns text. */
const char *doctor_user(char text[DOCTOR_WHO_SIZE], uid_t user);

/* doctor_proc.c: what /proc tells of processes. None of these fails: what cannot be seen is not there. */

/* A limit as /proc/PID/limits has it ("Max open files"); false if it cannot be read. pid 0: of ourselves. */
bool proc_limit(uint64_t *soft, pid_t pid, const char *name);
/* The least memory that the control groups of a process grant it. */
uint64_t proc_memory_max(pid_t pid);
/* The first number in a file, or fallback. */
uint64_t proc_number(const char *path, uint64_t fallback);
bool proc_owner(uid_t *out, pid_t pid);
/* The command line, cut; "" if there is none. */
void proc_title(char title[DOCTOR_WHO_SIZE], pid_t pid);
/* The master of the node of that name, by its title; 0: none. */
pid_t proc_find_master(const char *node);
/* A process that has the file mapped, 0: none that can be seen. *is_whole: every process of that user can be seen. */
pid_t proc_find_mapper(bool *is_whole, const char *file, uid_t user);
/* Does the process hold the socket? For pid 0, somebody whom we can see; returns him or 0. */
pid_t proc_find_socket(pid_t pid, uint64_t inode);

/* doctor_limits.c */

struct limit_facts {
	bool is_of_node;     /* of the node that runs; otherwise of whoever asks */
	uint64_t files;	     /* that may be open */
	uint64_t file_size;  /* bytes */
	uint64_t memory_max; /* of the control group */
	uint64_t ram;
	uint64_t overcommit; /* vm.overcommit_memory */
};

struct shm_facts {
	bool is_there; /* a memory file system at /dev/shm */
	uint64_t size, free;
	uint64_t held;	/* by the node that runs */
	uint64_t first; /* what a start takes at once */
};

void judge_files(struct findings *f, const struct config *c, const struct limit_facts *l);
void judge_file_size(struct findings *f, const struct config *c, const struct limit_facts *l);
void judge_memory(struct findings *f, const struct config *c, const struct limit_facts *l);
void judge_shm(struct findings *f, const struct config *c, const struct shm_facts *s);
void check_files(struct findings *f, const struct doctor *d);
void check_file_size(struct findings *f, const struct doctor *d);
void check_memory(struct findings *f, const struct doctor *d);
void check_shm(struct findings *f, const struct doctor *d);

/* doctor_host.c */

struct clock_facts {
	bool is_known; /* the kernel tells whether it is synchronised */
	bool is_synced;
	uint64_t now_ms;
};

struct library_facts {
	const char *version; /* as the library says */
	const char *package; /* Debian's version of it; "": not known */
};

void judge_clock(struct findings *f, const struct config *c, const struct clock_facts *k);
void judge_libevent(struct findings *f, const struct library_facts *l);
void check_clock(struct findings *f, const struct doctor *d);
void check_libevent(struct findings *f, const struct doctor *d);
void check_node(struct findings *f, const struct doctor *d);

/* doctor_folder.c */

struct file_facts {
	enum err e; /* OK, ERR_NOT_FOUND, ERR_PERM: we may not look, or another */
	bool is_folder;
	mode_t mode; /* permission bits */
	uid_t owner;
	uid_t asker; /* who runs the doctor */
	bool has_node;
	uid_t node; /* whom the node runs as */
};

struct disk_facts {
	enum err e;
	uint64_t kind; /* as statfs has it */
	uint64_t size, free;
	uint64_t inodes, inodes_free; /* 0 of 0: it has no fixed number */
	bool is_read_only;
};

struct journal_facts {
	enum err e;
	char why[256];
	bool has_network;
	const char *difference; /* from the configured parameters, NULL: none */
	uint64_t files, bytes;	/* of all that the node keeps there */
	uint64_t age_ms;	/* since the last write */
};

void judge_config(struct findings *f, const char *path, const struct file_facts *file);
void judge_data_dir(struct findings *f, const char *path, const struct file_facts *file);
void judge_secret(struct findings *f, const char *path, const struct file_facts *file);
void judge_disk(struct findings *f, const char *path, const struct disk_facts *k);
void judge_journal(struct findings *f, const char *path, const struct journal_facts *j);
void check_config(struct findings *f, const struct doctor *d);
void check_data_dir(struct findings *f, const struct doctor *d);
void check_secrets(struct findings *f, const struct doctor *d);
void check_disk(struct findings *f, const struct doctor *d);
void check_journal(struct findings *f, const struct doctor *d);

/* doctor_segments.c */

struct segment_facts {
	char name[80]; /* without "sem." */
	uid_t owner;
	uint64_t bytes;
	pid_t user;	  /* a process that has it mapped, 0: none that we see */
	bool is_seen;	  /* all processes of the owner were looked at */
	bool is_ours;	  /* of this configuration's node */
	bool has_segment; /* otherwise the semaphore is alone */
	bool has_semaphore;
};

void judge_segment(struct findings *f, const struct segment_facts *s);
void check_segments(struct findings *f, const struct doctor *d);

/* doctor_ports.c */

struct port_facts {
	const char *key; /* "[http] listen" */
	struct netaddr at;
	enum err bind; /* of listener_check */
	bool is_held;  /* somebody listens there */
	bool is_ours;  /* our node does */
	bool has_node; /* our node runs */
	pid_t holder;  /* 0: not to be seen */
	char title[DOCTOR_WHO_SIZE];
	uid_t owner;			  /* of the socket */
	uint16_t privileged;		  /* ports below this need a privilege */
	uint16_t local_first, local_last; /* which the kernel gives to outgoing connections */
};

void judge_port(struct findings *f, const struct port_facts *p);
void check_ports(struct findings *f, const struct doctor *d);

/* doctor_peers.c */

#define PEER_NAME_SIZE 320

struct peer_facts {
	char name[PEER_NAME_SIZE]; /* as configured, with the address behind if that is another */
	size_t rank;		   /* in the order of the configuration */
	enum err lookup;	   /* OK, or the name is not found */
	bool is_self;
	bool is_unanswered;	       /* the time was up */
	struct handshake_result hello; /* unless one of the above */
};

void judge_peer(struct findings *f, const struct peer_facts *p);
/* The clocks of those that are peers, against ours. */
void judge_skew(struct findings *f, const struct peer_facts *list, size_t count);
void check_peers(struct findings *f, const struct doctor *d);

#endif
