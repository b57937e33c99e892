/*
 * The rules between keys: what each value alone cannot tell. A key that was refused already is not judged again, so
 * that one mistake gives one message.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/config_report.h"
#include "util/file.h"

#define TOKEN_SEPARATORS " \t\r\n"

/* The text of the token file, or what is wrong with it. */
static const char *
token_read(char token[CONFIG_TOKEN_MAX + 1], const char *path)
{
	const char *fault = NULL;
	struct stat st;
	char text[CONFIG_TOKEN_MAX + 8]; /* with room for the end of the line, and to see that it is too long */
	/* A pipe with nobody at its other end must not hold up the start. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0) {
		fault = errno == ENOENT	  ? "there is no such file"
			: errno == EACCES ? "this user may not read this file"
					  : "this file cannot be opened";
		goto out;
	}
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		fault = "this is not a file";
		goto out;
	}
	if ((st.st_mode & S_IRWXO) != 0) {
		fault = "others may read or change this file; take that away with \"chmod o= FILE\"";
		goto out;
	}
	ssize_t len = read(fd, text, sizeof(text));
	if (len < 0) {
		fault = "this file cannot be read";
		goto out;
	}
	while (len > 0 && strchr(TOKEN_SEPARATORS, text[len - 1]) != NULL && text[len - 1] != '\0')
		len--;
	bool is_visible = true;
	for (ssize_t i = 0; i < len; i++)
		is_visible = is_visible && text[i] > ' ' && text[i] < 0x7f;
	if (len < CONFIG_TOKEN_MIN || len > CONFIG_TOKEN_MAX || !is_visible) {
		fault = "this file does not hold a token; allowed: one line of 16 to 128 visible ASCII characters";
		goto out;
	}
	memcpy(token, text, (size_t)len);
	token[len] = '\0';
out:
	explicit_bzero(text, sizeof(text));
	fd_close(&fd);
	return fault;
}

static void
check_token(struct config *c, struct config_report *r)
{
	const struct config_key *file = config_key_find("http", "admin_token_file");
	explicit_bzero(c->http.admin_token, sizeof(c->http.admin_token));
	if (c->http.admin_token_file[0] == '\0' || config_report_is_bad(r, file))
		return;
	const char *fault = token_read(c->http.admin_token, c->http.admin_token_file);
	if (fault != NULL)
		config_report_key(r, file, "%s: %s", c->http.admin_token_file, fault);
}

/* Could not both be listened on: the same port at the same address, or at all addresses of its family. */
static bool
listeners_clash(const struct netaddr *a, const struct netaddr *b)
{
	return a->port == b->port && a->is_v6 == b->is_v6 &&
	       (netaddr_same_ip(a, b) || netaddr_is_any(a) || netaddr_is_any(b));
}

static void
check_listeners(const struct config *c, struct config_report *r)
{
	const struct config_key *http = config_key_find("http", "listen"), *peers = config_key_find("peers", "listen");
	if (config_report_is_bad(r, http) || config_report_is_bad(r, peers) || c->peers.listen.port == 0)
		return;
	if (listeners_clash(&c->http.listen, &c->peers.listen))
		config_report_key(r, peers,
				  "is taken by [http] listen; give it another port, or leave it out to share that one");
}

/* Peers look up no names for others, so a name there would be passed over by all of them without a word. */
static void
check_advertise(const struct config *c, struct config_report *r)
{
	const struct config_key *advertise = config_key_find("peers", "advertise");
	struct netaddr at;
	if (config_report_is_bad(r, advertise) || c->peers.advertise[0] == '\0')
		return;
	if (netaddr_parse(&at, c->peers.advertise) != OK)
		config_report_key(r, advertise,
				  "\"%s\" is a name, and peers look up no names for others; allowed: a numeric address "
				  "with a port",
				  c->peers.advertise);
}

static void
check_body(const struct config *c, struct config_report *r)
{
	const struct config_key *body = config_key_find("http", "max_body"),
				*block = config_key_find("network", "max_block_bytes");
	if (config_report_is_bad(r, body) || config_report_is_bad(r, block))
		return;
	if (c->http.max_body < c->network.max_block_bytes)
		config_report_key(
		    r, body,
		    "is smaller than [network] max_block_bytes (%u bytes), so that peers could not hand over "
		    "a full block; raise it",
		    (unsigned)c->network.max_block_bytes);
}

static void
check_scan(const struct config *c, struct config_report *r)
{
	const struct config_key *hosts = config_key_find("discovery", "scan_hosts"),
				*ports = config_key_find("discovery", "scan_ports");
	if (config_report_is_bad(r, hosts) || config_report_is_bad(r, ports))
		return;
	if (c->discovery.scan_hosts.count > 0 && c->discovery.scan_ports.first == 0)
		config_report_key(r, hosts, "nothing is scanned without scan_ports; set it, as in scan_ports = 5000");
	if (c->discovery.scan_hosts.count == 0 && c->discovery.scan_ports.first != 0)
		config_report_key(r, ports, "nothing is scanned without scan_hosts; set it, or leave both out");
}

static void
check_miner(struct config *c, struct config_report *r)
{
	const struct config_key *mode = config_key_find("miner", "mode"),
				*address = config_key_find("miner", "address"),
				*version = config_key_find("network", "address_version");
	memset(&c->miner.address, 0, sizeof(c->miner.address));
	if (config_report_is_bad(r, address))
		return;
	if (c->miner.address_text[0] == '\0') {
		if (c->miner.mode != MINER_MANUAL && !config_report_is_bad(r, mode))
			config_report_key(
			    r, mode,
			    "%s needs an address that the rewards go to; set [miner] address, or the mode "
			    "manual",
			    miner_mode_name(c->miner.mode));
		return;
	}
	if (config_report_is_bad(r, version))
		return;
	enum err e = address_parse(&c->miner.address, c->miner.address_text, c->network.address_version);
	if (e == ERR_UNSUPPORTED)
		config_report_key(r, address,
				  "\"%s\" is an address of another network; allowed: one with version byte %u, the "
				  "address_version of [network]",
				  c->miner.address_text, (unsigned)c->network.address_version);
	else if (e != OK)
		config_report_key(r, address,
				  "\"%s\" is mistyped or cut (its checksum does not fit); allowed: what "
				  "\"rensa wallet address NAME\" prints",
				  c->miner.address_text);
}

/* The table's bounds are those of params_check; where they ever differ, the chain's word counts. */
static void
check_network(const struct config *c, struct config_report *r)
{
	const char *field;
	if (params_check(&c->network, &field) == OK)
		return;
	const struct config_key *key = config_key_find("network", field);
	if (key == NULL)
		config_report_add(r, (struct config_place){0}, "[network] %s: is not possible", field);
	else if (!config_report_is_bad(r, key))
		config_report_key(r, key, "is not possible");
}

static void
check_logs(const struct config *c, struct config_report *r)
{
	const struct config_key *syslog = config_key_find("node", "log_syslog"),
				*requests = config_key_find("http", "request_log");
	if (c->node.log_file[0] != '\0' && c->node.log_syslog[0] != '\0' && !config_report_is_bad(r, syslog))
		config_report_key(r, syslog, "the log goes to log_file already; leave one of them out");
	if (c->http.request_log == REQUEST_LOG_FILE && c->http.request_log_file[0] == '\0' &&
	    !config_report_is_bad(r, requests) && !config_report_is_bad(r, config_key_find("http", "request_log_file")))
		config_report_key(r, requests, "file needs to know which; set request_log_file");
}

void
config_check(struct config *c, struct config_report *r)
{
	check_logs(c, r);
	check_token(c, r);
	check_listeners(c, r);
	check_advertise(c, r);
	check_network(c, r);
	check_body(c, r);
	check_scan(c, r);
	check_miner(c, r);
}
