/* GET /metrics: the format, and what the figures are of. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/exposition.h"
#include "node.h"
#include "store/peer_table.h"
#include "store/role_table.h"
#include "store/tally.h"
#include "suites.h"
#include "util/clock.h"
#include "util/text.h"

static struct node n;

static void
setup(void)
{
	node_init(&n);
	node_start(&n);
}

static void
teardown(void)
{
	node_stop(&n);
}

/* Is this a whole line of the last answer? */
static bool
has_line(const char *line)
{
	size_t len = strlen(line);

	for (const char *at = n.reply.body.data; (at = strstr(at, line)) != NULL; at += len)
		if ((at == n.reply.body.data || at[-1] == '\n') && at[len] == '\n')
			return true;
	return false;
}

static bool
has_text(const char *text)
{
	return strstr(n.reply.body.data, text) != NULL;
}

#define ck_line(line) ck_assert_msg(has_line(line), "no such line: %s\n%s", line, n.reply.body.data)

static struct exposition e;
static struct buf out;

static const char *
text_of(void (*write)(struct exposition *))
{
	buf_reset(&out);
	exposition_begin(&e, &out);
	write(&e);
	exposition_end(&e);
	return out.data;
}

static void
write_escaped(struct exposition *x)
{
	exposition_metric(x, "m", METRIC_GAUGE, "a \"b\" \\ c\nd");
	exposition_label(x, "one", "a \"b\" \\ c\nd");
	exposition_label(x, "two", "");
	exposition_u64(x, UINT64_MAX);
	exposition_ms(x, -1);
	exposition_ms(x, 1500);
	exposition_us(x, 1000001);
	exposition_double(x, 0.5);
	exposition_double(x, 1.0 / 0.0);
}

START_TEST(labels_and_help_are_escaped_and_numbers_are_plain)
{
	ck_assert_str_eq(text_of(write_escaped), "# HELP m a \"b\" \\\\ c\\nd\n"
						 "# TYPE m gauge\n"
						 "m{one=\"a \\\"b\\\" \\\\ c\\nd\",two=\"\"} 18446744073709551615\n"
						 "m -0.001\n"
						 "m 1.500\n"
						 "m 1.000001\n"
						 "m 0.5\n"
						 "m +Inf\n");
	buf_clear(&out);
}
END_TEST

static void
write_histogram(struct exposition *x)
{
	struct tally_span span = {.buckets = {2, 0, 3}, .sum_us = 2500000};

	span.buckets[TALLY_BUCKETS - 1] = 4;
	exposition_metric(x, "h_seconds", METRIC_HISTOGRAM, "how long");
	exposition_label(x, "k", "v");
	exposition_span(x, &span);
	exposition_u64(x, 1);
}

START_TEST(buckets_are_cumulative_and_the_last_is_the_count)
{
	static const char *const lines[] = {
	    "# TYPE h_seconds histogram\n",
	    "h_seconds_bucket{k=\"v\",le=\"0.0001\"} 2\n",
	    "h_seconds_bucket{k=\"v\",le=\"0.00025\"} 2\n",
	    "h_seconds_bucket{k=\"v\",le=\"0.0005\"} 5\n",
	    "h_seconds_bucket{k=\"v\",le=\"1\"} 5\n",
	    "h_seconds_bucket{k=\"v\",le=\"10\"} 5\n",
	    "h_seconds_bucket{k=\"v\",le=\"+Inf\"} 9\n",
	    "h_seconds_sum{k=\"v\"} 2.500000\n",
	    "h_seconds_count{k=\"v\"} 9\n",
	    "h_seconds 1\n", /* the labels were used up */
	};
	const char *text = text_of(write_histogram);

	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		ck_assert_msg(strstr(text, lines[i]) != NULL, "%s not in %s", lines[i], text);
	buf_clear(&out);
}
END_TEST

START_TEST(requests_are_counted_by_row_and_status_and_by_nothing_that_a_client_makes_up)
{
	node_get(&n, "/chain/head");
	node_get(&n, "/chain/head");
	node_call(&n, HTTP_HEAD, "/chain/head", NULL, NULL);
	node_get(&n, "/blocks/0");
	node_get(&n, "/blocks/1234567");
	node_get(&n, "/made-up");
	node_call(&n, HTTP_DELETE, "/blocks/0", NULL, NULL);
	node_get(&n, "/mine");
	node_call(&n, HTTP_POST, "/mine/stop", "[]", NULL);
	ck_assert_int_eq(node_get(&n, "/metrics"), 200);
	ck_line("rensa_http_requests_total{method=\"GET\",route=\"/chain/head\",code=\"200\"} 3");
	ck_line("rensa_http_requests_total{method=\"GET\",route=\"/blocks/{block}\",code=\"200\"} 1");
	ck_line("rensa_http_requests_total{method=\"GET\",route=\"/blocks/{block}\",code=\"404\"} 1");
	ck_line("rensa_http_requests_total{method=\"none\",route=\"none\",code=\"404\"} 1");
	ck_line("rensa_http_requests_total{method=\"none\",route=\"none\",code=\"405\"} 2");
	ck_line("rensa_http_requests_total{method=\"POST\",route=\"/mine/stop\",code=\"400\"} 1");
	ck_line("rensa_http_request_duration_seconds_count{method=\"GET\",route=\"/chain/head\"} 3");
	ck_line("rensa_http_request_duration_seconds_bucket{method=\"GET\",route=\"/chain/head\",le=\"+Inf\"} 3");
	ck_line("rensa_http_received_bytes_total{method=\"POST\",route=\"/mine/stop\"} 2");
	ck_assert(!has_text("made-up") && !has_text("1234567") && !has_text("route=\"/metrics\""));
	ck_assert_int_eq(node_get(&n, "/metrics"), 200);
	ck_line("rensa_http_requests_total{method=\"GET\",route=\"/metrics\",code=\"200\"} 1");
}
END_TEST

START_TEST(bodies_are_counted_in_bytes)
{
	char line[160];
	size_t len;

	node_get(&n, "/chain/head");
	len = n.reply.body.len;
	node_get(&n, "/metrics");
	snprintf(line, sizeof(line), "rensa_http_sent_bytes_total{method=\"GET\",route=\"/chain/head\"} %zu", len);
	ck_line(line);
}
END_TEST

START_TEST(roles_are_summed_and_what_is_gone_keeps_its_counts_but_not_its_states)
{
	for (uint32_t i = 1; i < 3; i++) {
		role_started(n.store, i, "worker", 100 + (pid_t)i, 1, clock_mono_ms());
	}
	role_count(n.store, COUNT_CPU_US, 1500000);
	role_set(n.store, COUNT_CONNECTIONS, 5);
	ck_assert_int_eq(node_get(&n, "/metrics"), 200);
	ck_line("rensa_processes{role=\"worker\"} 3");
	ck_line("rensa_restarts_total{role=\"worker\"} 0");
	ck_line("rensa_http_connections 5");
	role_stopped(n.store, 0);
	role_failed(n.store, 0);
	ck_assert_int_eq(node_get(&n, "/metrics"), 200);
	ck_line("rensa_processes{role=\"worker\"} 2");
	ck_line("rensa_failures_total{role=\"worker\"} 1");
	ck_line("rensa_http_connections 0");
	ck_line("rensa_process_cpu_seconds_total{role=\"worker\"} 1.500000");
	role_started(n.store, 0, "worker", getpid(), 1, clock_mono_ms());
	ck_assert_int_eq(node_get(&n, "/metrics"), 200);
	ck_line("rensa_restarts_total{role=\"worker\"} 1");
}
END_TEST

START_TEST(the_pool_is_counted_by_state_and_in_bytes_and_refusals_by_rule)
{
	struct tx first = transfer(&n, 0, 1, 1, 0, 0), later = transfer(&n, 0, 1, 1, 0, 2), bad;
	char line[64];

	node_extend(&n, chain_tip(n.store), 2, 0);
	ck_assert_int_eq(node_post(&n, &first), 202);
	ck_assert_int_eq(node_post(&n, &later), 202);
	bad = transfer(&n, 0, 1, 1, 0, 1);
	bad.signature.b[40] ^= 1;
	ck_assert_int_eq(node_post(&n, &bad), 422);
	ck_assert_int_eq(node_get(&n, "/metrics"), 200);
	ck_line("rensa_pool_transactions{state=\"pending\"} 1");
	ck_line("rensa_pool_transactions{state=\"waiting\"} 1");
	snprintf(line, sizeof(line), "rensa_pool_bytes %zu", 2 * (size_t)TX_TRANSFER_SIZE(0));
	ck_line(line);
	ck_line("rensa_transactions_refused_total{rule=\"bad-signature\"} 1");
	ck_line("rensa_chain_height 2");
	/* What it waited for closes the gap; then all are mined. */
	struct tx second = transfer(&n, 0, 1, 1, 0, 1);
	ck_assert_int_eq(node_post(&n, &second), 202);
	ck_assert_int_eq(node_get(&n, "/metrics"), 200);
	ck_line("rensa_pool_transactions{state=\"pending\"} 3");
	ck_line("rensa_pool_transactions{state=\"waiting\"} 0");
	node_extend(&n, chain_tip(n.store), 1, 0);
	ck_assert_int_eq(node_get(&n, "/metrics"), 200);
	ck_line("rensa_pool_transactions{state=\"pending\"} 0");
	ck_line("rensa_pool_bytes 0");
}
END_TEST

START_TEST(what_is_not_known_has_no_sample)
{
	struct peer_entry p = {.state = PEER_UP, .good_ms = 1, .skew_ms = -1250};

	ck_assert_int_eq(node_get(&n, "/metrics"), 200);
	ck_assert(has_text("# TYPE rensa_clock_skew_seconds gauge\n") && !has_text("\nrensa_clock_skew_seconds "));
	ck_assert(!has_text("\nrensa_disk_used_ratio ") && !has_text("\nrensa_disk_full_timestamp_seconds "));
	text_copy(p.address, sizeof(p.address), "10.0.0.1:5000");
	ck_assert(peer_table_set(n.store, &p));
	role_set(n.store, COUNT_DISK_USED, 25);
	role_set(n.store, COUNT_DISK_MAX, 100);
	role_set(n.store, COUNT_DISK_FULL_MS, FULL_NEVER);
	role_set(n.store, COUNT_MEMORY_FULL_MS, 1234567);
	ck_assert_int_eq(node_get(&n, "/metrics"), 200);
	ck_line("rensa_clock_skew_seconds -1.250");
	ck_line("rensa_peers{state=\"up\"} 1");
	ck_line("rensa_disk_used_ratio 0.25");
	ck_line("rensa_disk_available_bytes 75");
	ck_line("rensa_disk_full_timestamp_seconds +Inf");
	ck_line("rensa_segment_full_timestamp_seconds 1234.567");
}
END_TEST

/* The same figures, for people. */
START_TEST(what_gets_full_is_a_warning_with_its_date)
{
	const struct jval *disk;

	ck_assert_int_eq(node_get(&n, "/status"), 200);
	ck_assert(jval_is_null(jval_get(jval_get(node_doc(&n), "capacity"), "disk")));
	role_set(n.store, COUNT_DISK_USED, 81u << 20);
	role_set(n.store, COUNT_DISK_MAX, 100u << 20);
	role_set(n.store, COUNT_DISK_FULL_MS, UINT64_C(1800000000000));
	role_set(n.store, COUNT_DISK_IS_HIGH, 1);
	ck_assert_int_eq(node_get(&n, "/status"), 200);
	disk = jval_get(jval_get(node_doc(&n), "capacity"), "disk");
	ck_assert_uint_eq(jval_u64(disk, "percent", 0), 81);
	ck_assert_uint_eq(jval_u64(disk, "full_at", 0), UINT64_C(1800000000000));
	ck_assert(jval_bool(disk, "high", false));
	ck_assert_str_eq(jval_str(disk, "trend", ""), "growing");
	ck_assert_int_eq(node_get(&n, "/readyz?verbose"), 200);
	ck_assert(
	    has_text("{\"name\":\"disk\",\"state\":\"warning\",\"found\":\"81 % are used, 19 MiB are left; full on "
		     "2027-01-15T08:00Z as it grows of late\",\"fix\":\"free some"));
	ck_assert_int_eq(node_get(&n, "/metrics"), 200);
	ck_line("rensa_check_state{check=\"disk\"} 1");
	ck_line("rensa_check_state{check=\"memory\"} 0");
	ck_line("rensa_ready 1");
}
END_TEST

/* No metric twice, each with its help and type before its samples, counters and no others ending in _total. */
START_TEST(each_metric_is_named_once_and_as_its_type_asks)
{
	static char names[128][64];
	size_t count = 0;
	char *save = NULL, type[16];

	ck_assert_int_eq(node_get(&n, "/metrics"), 200);
	for (char *line = strtok_r(n.reply.body.data, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
		if (strncmp(line, "# TYPE ", 7) == 0) {
			ck_assert_uint_lt(count, ARRAY_LEN(names));
			ck_assert_int_eq(sscanf(line + 7, "%63s %15s", names[count], type), 2);
			for (size_t i = 0; i < count; i++)
				ck_assert_str_ne(names[i], names[count]);
			size_t len = strlen(names[count]);
			bool is_total = len > 6 && strcmp(names[count] + len - 6, "_total") == 0;
			ck_assert_msg(is_total == (strcmp(type, "counter") == 0), "%s", names[count]);
			count++;
		} else if (line[0] != '#') {
			ck_assert_uint_gt(count, 0);
			ck_assert_msg(strncmp(line, names[count - 1], strlen(names[count - 1])) == 0, "%s", line);
		}
	}
	ck_assert_uint_gt(count, 40);
}
END_TEST

Suite *
suite_metrics(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "metrics", 60);

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, labels_and_help_are_escaped_and_numbers_are_plain);
	tcase_add_test(tc, buckets_are_cumulative_and_the_last_is_the_count);
	tcase_add_test(tc, requests_are_counted_by_row_and_status_and_by_nothing_that_a_client_makes_up);
	tcase_add_test(tc, bodies_are_counted_in_bytes);
	tcase_add_test(tc, roles_are_summed_and_what_is_gone_keeps_its_counts_but_not_its_states);
	tcase_add_test(tc, the_pool_is_counted_by_state_and_in_bytes_and_refusals_by_rule);
	tcase_add_test(tc, what_is_not_known_has_no_sample);
	tcase_add_test(tc, what_gets_full_is_a_warning_with_its_date);
	tcase_add_test(tc, each_metric_is_named_once_and_as_its_type_asks);
	return suite;
}
