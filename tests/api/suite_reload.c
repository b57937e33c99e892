/* Reloads on request, with a master that does well, badly, or nothing; and what /status says of them. */
#include <stdio.h>
#include <string.h>

#include "node.h"
#include "store/reload_note.h"
#include "suites.h"

static struct node n;
static struct reload_note note;

static void
setup(void)
{
	memset(&note, 0, sizeof(note));
	node_init(&n);
	node_start(&n);
}

static void
teardown(void)
{
	node_stop(&n);
}

/* Sends the request and waits until the master is woken and has the command. */
static void
ask(const char *body)
{
	node_send(n.client, &n.reply, HTTP_POST, "/reload", body, body != NULL ? strlen(body) : 0, NULL);
	node_until(&n, n.woken[API_WAKE_MASTER] > 0);
	ck_assert(command_next(n.store, 1u << COMMAND_RELOAD, &n.handle, &n.last_command));
}

static int
answer(enum err e)
{
	command_finish(n.store, n.handle, e, false);
	api_bell(n.api);
	node_until(&n, n.reply.is_there);
	return n.reply.status;
}

static void
take(const char *changed, const char *waiting)
{
	note =
	    (struct reload_note){.number = note.number + 1, .at_ms = 1000, .result = RELOAD_TAKEN, .changed_count = 2};
	strcpy(note.changed, changed);
	strcpy(note.waiting, waiting);
	reload_note_put(n.store, &note);
}

static void
refuse(const char *errors, uint32_t count)
{
	note.number++;
	note.at_ms = 2000;
	note.result = RELOAD_REFUSED;
	note.changed_count = 0;
	note.error_count = count;
	strcpy(note.errors, errors);
	reload_note_put(n.store, &note);
}

START_TEST(tells_what_has_changed_and_what_waits_for_a_restart)
{
	ask(NULL);
	take("http.workers\t2\t4\nhttp.admin_allow\tnothing\t10.0.0.1, \"x\"\n", "node.name\ta\tb\n");
	ck_assert_int_eq(answer(OK), 200);
	ck_assert_str_eq(n.reply.body.data,
			 "{\"result\":\"ok\",\"changed\":["
			 "{\"key\":\"http.workers\",\"from\":\"2\",\"to\":\"4\"},"
			 "{\"key\":\"http.admin_allow\",\"from\":\"nothing\",\"to\":\"10.0.0.1, \\\"x\\\"\"}],"
			 "\"restart\":[{\"key\":\"node.name\",\"from\":\"a\",\"to\":\"b\"}]}");
}
END_TEST

START_TEST(tells_all_that_is_wrong)
{
	ask("{}");
	refuse("t.conf:1: one\n-o http.x: two\n", 2);
	ck_assert_int_eq(answer(OK), 422);
	ck_assert_str_eq(n.reply.body.data,
			 "{\"error\":{\"code\":\"configuration-refused\",\"message\":\"2 things are wrong in it, first "
			 "t.conf:1: one\"},\"errors\":[\"t.conf:1: one\",\"-o http.x: two\"]}");
}
END_TEST

START_TEST(status_shows_the_last_reload)
{
	node_get(&n, "/status");
	ck_assert(jval_is_null(jval_get(node_doc(&n), "reload")));
	take("http.workers\t2\t4\n", "node.name\ta\tb\nnode.data_dir\t/a\t/b\n");
	node_get(&n, "/status");
	ck_assert_ptr_nonnull(strstr(n.reply.body.data,
				     "\"reload\":{\"count\":1,\"timestamp\":1000,\"result\":\"ok\",\"changed\":2,"
				     "\"restart\":[\"node.name\",\"node.data_dir\"]}"));
	refuse("t.conf:1: one\nt.conf:2: two\n", 2);
	node_get(&n, "/status");
	ck_assert_ptr_nonnull(strstr(n.reply.body.data,
				     "\"reload\":{\"count\":2,\"timestamp\":2000,\"result\":\"refused\",\"changed\":0,"
				     "\"restart\":[\"node.name\",\"node.data_dir\"],\"error\":\"t.conf:1: one\"}"));
}
END_TEST

START_TEST(a_worker_that_is_replaced_by_the_reload_still_tells_how_it_went)
{
	ask(NULL);
	take("http.workers\t2\t4\n", "");
	/* The answer is there before the signal to stop; whichever of the two is seen first. */
	command_finish(n.store, n.handle, OK, false);
	api_end(n.api);
	node_until(&n, n.reply.is_there);
	ck_assert_int_eq(n.reply.status, 200);
}
END_TEST

START_TEST(says_that_the_outcome_is_unknown_when_the_master_does_not_answer)
{
	node_stop(&n);
	node_init(&n);
	n.options.request_timeout_ms = 10;
	node_start(&n);
	ck_assert_int_eq(node_call(&n, HTTP_POST, "/reload", NULL, NULL), 503);
	ck_assert_str_eq(node_code(&n), "outcome-unknown");
}
END_TEST

START_TEST(says_that_a_node_that_stops_takes_over_nothing)
{
	ask(NULL);
	ck_assert_int_eq(answer(ERR_CLOSED), 503);
	ck_assert_str_eq(node_code(&n), "stopping");
}
END_TEST

START_TEST(takes_no_parameters)
{
	ck_assert_int_eq(node_call(&n, HTTP_POST, "/reload", "{\"file\":\"/etc/passwd\"}", NULL), 400);
	ck_assert_int_eq(node_call(&n, HTTP_POST, "/reload?file=x", NULL, NULL), 400);
	ck_assert_int_eq(node_get(&n, "/reload"), 405);
	ck_assert_uint_eq(n.woken[API_WAKE_MASTER], 0);
}
END_TEST

START_TEST(is_open_to_whom_mining_is_open)
{
	static const char *const headers[] = {"Forwarded", "for=10.1.1.1", NULL};

	ck_assert_int_eq(node_call(&n, HTTP_POST, "/reload", NULL, headers), 403);
	ck_assert_uint_eq(n.woken[API_WAKE_MASTER], 0);
}
END_TEST

Suite *
suite_reload(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "reload", 30);

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, tells_what_has_changed_and_what_waits_for_a_restart);
	tcase_add_test(tc, tells_all_that_is_wrong);
	tcase_add_test(tc, status_shows_the_last_reload);
	tcase_add_test(tc, a_worker_that_is_replaced_by_the_reload_still_tells_how_it_went);
	tcase_add_test(tc, says_that_the_outcome_is_unknown_when_the_master_does_not_answer);
	tcase_add_test(tc, says_that_a_node_that_stops_takes_over_nothing);
	tcase_add_test(tc, takes_no_parameters);
	tcase_add_test(tc, is_open_to_whom_mining_is_open);
	return suite;
}
