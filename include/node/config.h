/*
 * The configuration of a node: a plain struct with a value for every key of the ini file. The keys themselves, their
 * bounds, defaults and explanations are declared once, in the table of node/config_table.h, which drives reading,
 * printing, the sample file and reload. Lower rooms never see this struct: they take options of their own.
 */
#ifndef RENSA_NODE_CONFIG_H
#define RENSA_NODE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chain/params.h"
#include "crypto/address.h"
#include "net/netaddr.h"
#include "node/endpoint.h"
#include "util/attr.h"
#include "util/buf.h"
#include "util/err.h"
#include "util/log.h"

#define CONFIG_NODE_NAME_MAX 32	   /* it is part of the names of shared memory objects */
#define CONFIG_PATH_MAX 255	   /* leaves room for file names below it */
#define CONFIG_ADVERTISE_MAX 63	   /* what the handshake carries */
#define CONFIG_TOKEN_MIN 16	   /* shorter tokens can be guessed */
#define CONFIG_TOKEN_MAX 128	   /* characters */
#define CONFIG_LIST_MAX 256	   /* items of one list */
#define CONFIG_WORKERS_MAX 64	   /* also with workers = 0 on larger machines */
#define CONFIG_POOL_MAX (1u << 20) /* transactions */

struct endpoint_list {
	struct endpoint *at; /* NULL when empty */
	size_t count;
};

struct netrange_list {
	struct netrange *at; /* NULL when empty */
	size_t count;
};

enum sync_mode {
	SYNC_ALWAYS, /* what others are told is on the disk */
	SYNC_OFF     /* it may still be on its way there */
};

enum miner_mode {
	MINER_MANUAL,	 /* only when asked to, by POST /mine */
	MINER_ON_DEMAND, /* whenever transactions wait */
	MINER_INTERVAL,	 /* one block each interval */
	MINER_CONTINUOUS /* one block after the other */
};

struct config_node {
	char name[CONFIG_NODE_NAME_MAX + 1];
	char data_dir[CONFIG_PATH_MAX + 1];
	uint64_t shm_max;  /* bytes */
	uint32_t pool_max; /* transactions */
	enum sync_mode sync;
	enum log_level log_level;
	enum log_format log_format;
	char log_file[CONFIG_PATH_MAX + 1]; /* "": stderr */
	uint32_t watchdog_ms;
};

struct config_http {
	struct netaddr listen;
	uint32_t workers; /* 0: one per core, at most CONFIG_WORKERS_MAX */
	struct netrange_list admin_allow;
	char admin_token_file[CONFIG_PATH_MAX + 1]; /* "": none */
	char admin_token[CONFIG_TOKEN_MAX + 1];	    /* what the file held when the configuration was read; a secret */
	uint32_t header_timeout_ms;
	uint32_t request_timeout_ms;
	uint32_t max_body;	  /* bytes */
	uint32_t max_connections; /* in each worker */
	uint64_t chain_cache;	  /* bytes, 0: none */
};

struct config_peers {
	struct netaddr listen;			  /* port 0: peers are served by the [http] listener */
	char advertise[CONFIG_ADVERTISE_MAX + 1]; /* host:port, "": what peers see of us */
};

struct config_discovery {
	uint32_t interval_ms;
	struct endpoint_list peers;
	struct endpoint_list dns;
	struct netrange_list scan_hosts;
	struct port_range scan_ports;
	uint32_t scan_rate; /* connects a second */
	uint32_t probe_timeout_ms;
};

struct config_resolver {
	uint32_t interval_ms;
	uint32_t max_reorg_depth; /* blocks, 0: no limit */
};

struct config_miner {
	enum miner_mode mode;
	char address_text[ADDRESS_TEXT_SIZE]; /* "": none */
	struct address address;		      /* valid if address_text is not "" */
	uint32_t interval_ms;
	uint32_t cpu_percent; /* 1 to 100 */
};

struct config {
	struct config_node node;
	struct config_http http;
	struct params network;
	struct config_peers peers;
	struct config_discovery discovery;
	struct config_resolver resolver;
	struct config_miner miner;
};

/* Every key at its default. Whatever c held before is not freed. */
void config_default(struct config *c);
/* Frees the lists and wipes the token. */
void config_clear(struct config *c);

/*
 * Reads and checks the file at path: defaults for the keys it does not set. OK, or ERR_NOT_FOUND, ERR_PERM, ERR_IO if
 * the file cannot be read, ERR_FORMAT if anything in it is wrong; then errors (appended to) has one line for each
 * thing wrong, in the order of the file, and out holds nothing to clear:
 *
 *     FILE:LINE: [section] key: what is wrong; what is allowed
 */
enum err config_load(struct config *out, const char *path, struct buf *errors) MUSTCHECK;

/* Appends c as an ini file with every key, that reads back to the same. The token is left out, its file named. */
void config_print(struct buf *out, const struct config *c);
/* Appends the commented sample file: every key with its default and an explanation. conf/rensad.conf is this text. */
void config_sample(struct buf *out);

/*
 * For a reload: appends the names of the keys in which b differs from a, as "[http] workers, [miner] mode", to live
 * those that a running node can take over, to restart those that wait for its next start. True if any differs.
 */
bool config_differs(struct buf *live, struct buf *restart, const struct config *a, const struct config *b);
/*
 * For a reload: sets the keys of next that wait for a restart back to what the running node uses, and checks that the
 * mixture makes sense. ERR_FORMAT with errors as config_load, where path names the file that next was read from.
 */
enum err config_keep_fixed(struct config *next, const struct config *running, const char *path,
			   struct buf *errors) MUSTCHECK;

const char *miner_mode_name(enum miner_mode mode); /* as in the file: "on-demand" */

#endif
