/*
 * The table of configuration keys. The sentences here are the sample file and the manual: they are written for an
 * operator who reads them at night, so each says what the key does, when to change it, and what happens if it is wrong.
 */
#include "node/config_table.h"

#include <string.h>

#include "store/store.h"

#define MEMBER(member) offsetof(struct config, member), sizeof(((struct config *)0)->member)

#define LIVE CHANGE_LIVE
#define RESTART CHANGE_RESTART
#define NEW_CHAIN CHANGE_NEW_CHAIN

#define SECOND UINT64_C(1000)
#define DAY (UINT64_C(86400) * SECOND)
#define KIB UINT64_C(1024)
#define MIB (KIB * KIB)
#define GIB (MIB * KIB)

static const char *const log_formats[] = {"logfmt", "json", NULL};
static const char *const log_facilities[] = {"daemon", "user",	 "local0", "local1", "local2", "local3",
					     "local4", "local5", "local6", "local7", NULL};
static const char *const request_logs[] = {"off", "same", "file", NULL};
static const char *const sync_modes[] = {"always", "off", NULL};
static const char *const retargets[] = {"fixed", "per-block", NULL};
static const char *const miner_modes[] = {"manual", "on-demand", "interval", "continuous", NULL};

static const struct config_section sections[] = {
    {"node", "This node: its name, where it keeps its data, how much memory it may use, and its log."},
    {"http", "The HTTP API and the explorer page, for wallets, people and monitoring."},
    {"network",
     "The rules of the chain. Every node of a network must have exactly the same values here: they are hashed "
     "into the genesis block, and nodes that differ in one refuse each other and name it. Choose them before "
     "the first start; a data folder that was made with other values is refused."},
    {"peers", "How other nodes reach this one."},
    {"discovery",
     "How this node finds others. All sources are merged, and the peers that peers know are asked too. With "
     "nothing set here, a node waits until others find it."},
    {"resolver", "How this node comes to the same chain as its peers: the valid one with the most work behind it."},
    {"miner", "Whether, when and for whom this node makes blocks."},
};

static const struct config_key keys[] = {
    {"node", "name", CONFIG_NAME, MEMBER(node.name), 1, CONFIG_NODE_NAME_MAX, NULL, "node", RESTART,
     "The name of this node, as people see it in logs, process titles and lists of peers.",
     "It is also part of the names of shared memory objects."},
    {"node", "data_dir", CONFIG_PATH, MEMBER(node.data_dir), 1, CONFIG_PATH_MAX, NULL, "/var/lib/rensa", RESTART,
     "The folder that holds the chain; the journal is in journal/ below it.",
     "It is made if it is not there. One node at a time may use it. Whoever can write to it can replace the chain, so "
     "it belongs to the node's user alone."},
    {"node", "shm_max", CONFIG_SIZE, MEMBER(node.shm_max), 4 * MIB, STORE_SIZE_LIMIT, NULL, "1G", RESTART,
     "How much shared memory (/dev/shm) the live chain may take.",
     "It is taken step by step as the chain grows. A node that reaches the limit rebuilds its memory from the journal; "
     "if that does not help, it goes on serving reads and answers writes with 507. In a container /dev/shm is often "
     "64 MiB only: give it more (shm_size in a compose file)."},
    {"node", "pool_max", CONFIG_NUMBER, MEMBER(node.pool_max), 64, CONFIG_POOL_MAX, NULL, "16384", RESTART,
     "How many transactions may wait for a block.",
     "When the pool is full, those that came from peers make room; a client's new one is refused with 503 pool-full."},
    {"node", "sync", CONFIG_CHOICE, MEMBER(node.sync), 0, 0, sync_modes, "always", RESTART,
     "Whether blocks and transactions are on the disk before anybody hears of them.",
     "off is faster and survives the end of every process, but what was accepted in the last seconds before a power "
     "failure or a crash of the machine may be gone, and with it payments that others were told of. For trials only."},
    {"node", "log_level", CONFIG_LEVELS, MEMBER(node.log_levels), 0, 0, NULL, "info", CHANGE_AT_ONCE,
     "How much is logged: a level for all, then those of single modules, as in info, resolver=debug, httpd=warn.",
     "info tells what changed, debug also why. A module is what a line's message begins with. A reload changes it in "
     "all processes at once, and \"rensa log-level\" until the next reload or start."},
    {"node", "log_format", CONFIG_CHOICE, MEMBER(node.log_format), 0, 0, log_formats, "logfmt", LIVE,
     "The form of a log line: key=value words, or one JSON object.", NULL},
    {"node", "log_file", CONFIG_PATH, MEMBER(node.log_file), 0, CONFIG_PATH_MAX, NULL, "", LIVE,
     "Where the log goes; with nothing here it goes to standard error, which systemd and containers collect.",
     "After rotation send SIGUSR1, and the file is opened again. If it cannot be opened, or its disk is full, the node "
     "goes on and says so on standard error. In the journal of systemd each line has its priority, and its time is the "
     "journal's."},
    {"node", "log_syslog", CONFIG_PATH, MEMBER(node.log_syslog), 0, CONFIG_SOCKET_MAX, NULL, "", LIVE,
     "The socket of a syslog daemon that the log goes to instead, as /dev/log.",
     "Nobody waits for the daemon: while it is away or busy, lines are lost, and how many is logged later."},
    {"node", "log_facility", CONFIG_CHOICE, MEMBER(node.log_facility), 0, 0, log_facilities, "daemon", LIVE,
     "The facility that syslog gets lines under.", NULL},
    {"node", "watchdog", CONFIG_DURATION, MEMBER(node.watchdog_ms), SECOND, DAY, NULL, "30s", LIVE,
     "A role (a process of the node) that gave no sign of life for so long is killed and started again.",
     "A role that waits for the disk is spared. Raise it on machines that stop for longer, when they are suspended or "
     "under a debugger."},

    {"http", "listen", CONFIG_LISTEN, MEMBER(http.listen), 1, 0, NULL, "127.0.0.1:5000", LIVE,
     "The address and port of the API.",
     "The default is reachable from this host alone; 0.0.0.0:5000 or [::]:5000 is all its addresses. Connections "
     "to other nodes leave from this address if it is a specific one. A reload that changes it ends what the "
     "workers have in hand first; one that cannot listen there is refused."},
    {"http", "workers", CONFIG_NUMBER, MEMBER(http.workers), 0, CONFIG_WORKERS_MAX, NULL, "0", LIVE,
     "How many processes answer requests; 0 is one for each processor core, at most 64.", NULL},
    {"http", "admin_allow", CONFIG_RANGES, MEMBER(http.admin_allow), 0, 0, NULL, "", LIVE,
     "Who may call what changes the node (/mine, /consensus and /reload), besides this host itself.",
     "Behind a reverse proxy every client has the proxy's address: do not list that one, use admin_token_file."},
    {"http", "admin_token_file", CONFIG_PATH, MEMBER(http.admin_token_file), 0, CONFIG_PATH_MAX, NULL, "", LIVE,
     "A file with a secret: who sends it as \"Authorization: Bearer SECRET\" may call the same from anywhere.",
     "It holds one line of 16 to 128 visible characters, and others must not be able to read it. To make one: "
     "(umask 077; openssl rand -hex 32 > FILE)"},
    {"http", "header_timeout", CONFIG_DURATION, MEMBER(http.header_timeout_ms), 100, DAY, NULL, "10s", LIVE,
     "A client must send the header of its request within this time; an idle connection is closed after it.", NULL},
    {"http", "request_timeout", CONFIG_DURATION, MEMBER(http.request_timeout_ms), 100, DAY, NULL, "30s", LIVE,
     "A whole request must arrive within this time, and a client that reads its answer may pause for so long.", NULL},
    {"http", "max_body", CONFIG_SIZE, MEMBER(http.max_body), 16 * KIB, 64 * MIB, NULL, "4M", LIVE,
     "The largest body of a request; a larger one is refused with 413.",
     "It must not be smaller than [network] max_block_bytes, or peers could not hand over a full block."},
    {"http", "max_connections", CONFIG_NUMBER, MEMBER(http.max_connections), 1, 1000000, NULL, "4096", LIVE,
     "How many connections a worker keeps at once; beyond that, the one whose request is unfinished longest is cut.",
     "One in four of them, and 256 at most, may listen to /events. The limit of open files (ulimit -n, LimitNOFILE) "
     "must be higher."},
    {"http", "request_log", CONFIG_CHOICE, MEMBER(http.request_log), 0, 0, request_logs, "off", LIVE,
     "Whether requests are logged, one line each: off, in the same log as all else, or in a file of their own.",
     "A line has method, path (without its query), status, bytes, microseconds and client. Requests that took longer "
     "than request_log_slow, and those answered with 500 or more, are always logged then; of the others, "
     "request_log_sample says how many."},
    {"http", "request_log_file", CONFIG_PATH, MEMBER(http.request_log_file), 0, CONFIG_PATH_MAX, NULL, "", LIVE,
     "The file for request_log = file.", "SIGUSR1 opens it again too."},
    {"http", "request_log_sample", CONFIG_NUMBER, MEMBER(http.request_log_sample), 0, 1000000, NULL, "1", LIVE,
     "One request in so many is logged by each worker: 1 is all, 100 is each hundredth, 0 only slow ones and failures.",
     NULL},
    {"http", "request_log_slow", CONFIG_DURATION, MEMBER(http.request_log_slow_ms), 1, DAY, NULL, "1s", LIVE,
     "A request that took so long, from its last byte to the last byte of its answer, is slow.",
     "Streams of events last as long as their clients listen, and do not count as slow."},
    {"http", "chain_cache", CONFIG_SIZE, MEMBER(http.chain_cache), 0, 16 * GIB, NULL, "64M", RESTART,
     "How much memory blocks may take in the form in which they are shown, so that each is written only once.",
     "It is taken as the chain grows, about 700 bytes for an empty block and as much for each transfer, and not from "
     "/dev/shm; a memory limit on a container or service counts it. Beyond it, and with 0, blocks are written anew for "
     "each reader: GET /chain then takes twenty times the work."},

    {"network", "name", CONFIG_NAME, MEMBER(network.name), 1, NETWORK_NAME_MAX, NULL, NULL, NEW_CHAIN,
     "The name of the network. Two networks with different names never mix.", NULL},
    {"network", "genesis_time", CONFIG_TIME, MEMBER(network.genesis_time_ms), 0, NUMBER_MAX, NULL, NULL, NEW_CHAIN,
     "The time of the first block. Any fixed moment in the past will do.", NULL},
    {"network", "target_interval", CONFIG_DURATION, MEMBER(network.target_interval_ms), 100, DAY, NULL, NULL, NEW_CHAIN,
     "The mean time between blocks that the difficulty aims at.", NULL},
    {"network", "retarget", CONFIG_CHOICE, MEMBER(network.retarget), 0, 0, retargets, NULL, NEW_CHAIN,
     "How the difficulty follows the miners' power: adjusted with each block, or fixed.",
     "With fixed, blocks come as fast as they are found."},
    {"network", "difficulty", CONFIG_NUMBER, MEMBER(network.difficulty), 0, DIFFICULTY_LIMIT, NULL, NULL, NEW_CHAIN,
     "The lowest difficulty: how many zero bits the hash of a block begins with at least.",
     "Each further bit doubles the work: 12 takes about 4,000 tries, 24 about 17 million, 32 about 4 billion. Block 1 "
     "has this difficulty."},
    {"network", "reward", CONFIG_COINS, MEMBER(network.reward), 0, MONEY_MAX, NULL, NULL, NEW_CHAIN,
     "The coins that a block creates for its miner, besides the fees of its transactions.", NULL},
    {"network", "address_version", CONFIG_NUMBER, MEMBER(network.address_version), 0, UINT8_MAX, NULL, NULL, NEW_CHAIN,
     "The version byte of addresses. It decides their first letter: 60 makes it an R.",
     "Wallets made for another value do not fit this network."},
    {"network", "maturity", CONFIG_NUMBER, MEMBER(network.maturity), 0, MATURITY_LIMIT, NULL, NULL, NEW_CHAIN,
     "How many blocks a reward waits until its miner can spend it; 0 is at once.", NULL},
    {"network", "minimum_fee", CONFIG_COINS, MEMBER(network.min_fee), 0, MONEY_MAX, NULL, NULL, NEW_CHAIN,
     "The lowest fee of a transfer, in coins.", NULL},
    {"network", "max_block_bytes", CONFIG_SIZE, MEMBER(network.max_block_bytes), BLOCK_BYTES_MIN, BLOCK_BYTES_LIMIT,
     NULL, NULL, NEW_CHAIN, "The largest block.", NULL},

    {"peers", "listen", CONFIG_LISTEN, MEMBER(peers.listen), 0, 0, NULL, "", LIVE,
     "An address and port of its own for other nodes; with nothing here they use the one of [http].",
     "Set it to keep the API on this host while peers come from others."},
    {"peers", "advertise", CONFIG_ENDPOINT, MEMBER(peers.advertise), 0, CONFIG_ADVERTISE_MAX, NULL, "", LIVE,
     "The host:port that peers are told to reach this node at, beside the address that they see.",
     "Set it behind a forwarded port, or where others know this host by another address. The host must be a numeric "
     "address: peers look up no names for others."},

    {"discovery", "interval", CONFIG_DURATION, MEMBER(discovery.interval_ms), 100, DAY, NULL, "20s", LIVE,
     "The time between two rounds of looking for peers.",
     "Peers are asked each round. An address that fails is asked ever less often, at most every third round if it is "
     "named here, else down to once an hour, and is forgotten a day after it last answered; one that gets in "
     "touch itself is asked at once."},
    {"discovery", "peers", CONFIG_ENDPOINTS, MEMBER(discovery.peers), 0, 0, NULL, "", LIVE,
     "Nodes to keep in touch with, each as host:port; the host is an address or a name.",
     "A node that is away is asked again, at least every third round. Naming itself does no harm, so all nodes "
     "can have the same list. Of the 64 nodes that a node has as peers, 16 places are kept for those named here "
     "or in dns, and of the others no more than 32 lie in one part of the net (a /16, or a /32 of IPv6)."},
    {"discovery", "dns", CONFIG_ENDPOINTS, MEMBER(discovery.dns), 0, 0, NULL, "", LIVE,
     "Names that stand for many nodes, each as name:port: all their addresses are asked.",
     "They are looked up again each round. A headless service or the name of a scaled container is such a name."},
    {"discovery", "scan_hosts", CONFIG_RANGES, MEMBER(discovery.scan_hosts), 0, 0, NULL, "", LIVE,
     "Addresses to scan for nodes. Scan only networks that are yours.",
     "Needs scan_ports. At the default rate a /24 with one port takes a quarter of a second, a /16 over a minute."},
    {"discovery", "scan_ports", CONFIG_PORTS, MEMBER(discovery.scan_ports), 0, 0, NULL, "", LIVE,
     "The ports to try at each address of scan_hosts.", NULL},
    {"discovery", "scan_rate", CONFIG_NUMBER, MEMBER(discovery.scan_rate), 1, 100000, NULL, "1000", LIVE,
     "How many connects a second a scan may begin.",
     "A scan that takes longer than a round goes on in the next ones. Up to half a second's worth may begin at "
     "once. On a network that this host is attached to, 800 new addresses in three seconds are tried at most, "
     "whatever is set here: each that is absent takes a place in the kernel's neighbour table for so long, and "
     "when that is full live nodes are missed. The table is one for all containers of a host: where several of "
     "them scan such a network, set a lower rate."},
    {"discovery", "probe_timeout", CONFIG_DURATION, MEMBER(discovery.probe_timeout_ms), 10, 60 * SECOND, NULL, "1s",
     LIVE, "An address that does not answer a connect within this time counts as silent.", NULL},

    {"resolver", "interval", CONFIG_DURATION, MEMBER(resolver.interval_ms), 100, DAY, NULL, "20s", LIVE,
     "The time between two rounds of comparing chains with all peers.",
     "New blocks do not wait for it: peers push them at once. The round heals what a push missed."},
    {"resolver", "max_reorg_depth", CONFIG_NUMBER, MEMBER(resolver.max_reorg_depth), 0, 1000000000, NULL, "0", LIVE,
     "How many blocks of its chain this node gives up for a branch with more work; 0 is as many as it takes.",
     "A limit protects old blocks from whoever has more computing power than the network, but a node that was cut off "
     "for longer then stays apart until the limit is raised."},

    {"miner", "mode", CONFIG_CHOICE, MEMBER(miner.mode), 0, 0, miner_modes, "manual", LIVE, "When blocks are made.",
     "manual: only when asked to, with \"rensa mine\" or POST /mine. on-demand: when transactions wait. interval: one "
     "block each interval. continuous: without pause, as a public network does it. All but manual need an address. "
     "POST "
     "/mine/start and /mine/stop change it until the node is started again or the configuration is read again."},
    {"miner", "address", CONFIG_ADDRESS, MEMBER(miner.address_text), 0, ADDRESS_TEXT_SIZE - 1, NULL, "", LIVE,
     "The address that rewards and fees go to, as \"rensa wallet address NAME\" prints it.",
     "Keep its wallet elsewhere: the node does not need it."},
    {"miner", "interval", CONFIG_DURATION, MEMBER(miner.interval_ms), 100, DAY, NULL, "20s", LIVE,
     "The time between two blocks in the mode interval.", NULL},
    {"miner", "cpu_percent", CONFIG_NUMBER, MEMBER(miner.cpu_percent), 1, 100, NULL, "100", LIVE,
     "The share of one processor core that mining may use, in percent.", NULL},
};

const struct config_key *
config_keys(size_t *count)
{
	*count = ARRAY_LEN(keys);
	return keys;
}

const struct config_section *
config_sections(size_t *count)
{
	*count = ARRAY_LEN(sections);
	return sections;
}

const struct config_key *
config_key_find(const char *section, const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (strcmp(keys[i].section, section) == 0 && strcmp(keys[i].name, name) == 0)
			return &keys[i];
	return NULL;
}

bool
config_key_hides(const struct config_key *key)
{
	return key->offset == offsetof(struct config, http.admin_token_file);
}

const char *
miner_mode_name(enum miner_mode mode)
{
	return miner_modes[mode];
}
