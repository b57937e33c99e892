#include "kit.h"
#include "peer/lookup.h"
#include "suites.h"

struct outcome {
	enum err e;
	struct netaddr first;
	size_t count;
	unsigned calls;
};

static struct loop *loop;

static void
enter(void)
{
	loop = loop_new();
}

static void
leave(void)
{
	loop_free(loop);
}

static void
looked_up(void *ctx, enum err e, const struct netaddr *found, size_t count)
{
	struct outcome *o = ctx;

	o->e = e;
	o->count = count;
	if (count > 0)
		o->first = found[0];
	o->calls++;
}

START_TEST(a_name_gives_its_addresses_with_the_port)
{
	struct outcome o = {0};

	lookup_start(loop, "localhost", 5000, looked_up, &o);
	ck_assert_uint_eq(o.calls, 0);
	kit_until(loop, o.calls > 0);
	ck_assert_int_eq(o.e, OK);
	ck_assert_uint_ge(o.count, 1);
	ck_assert(netaddr_is_loopback(&o.first));
	ck_assert_uint_eq(o.first.port, 5000);
	kit_settle(loop);
	ck_assert_uint_eq(o.calls, 1);
}
END_TEST

START_TEST(an_impossible_name_is_an_error)
{
	struct outcome o = {0};

	lookup_start(loop, "no..such", 5000, looked_up, &o);
	kit_until(loop, o.calls > 0);
	ck_assert_int_ne(o.e, OK);
	ck_assert_uint_eq(o.count, 0);
}
END_TEST

START_TEST(one_given_up_is_not_answered)
{
	struct outcome o = {0}, other = {0};

	lookup_cancel(lookup_start(loop, "localhost", 5000, looked_up, &o));
	lookup_start(loop, "localhost", 5000, looked_up, &other);
	kit_until(loop, other.calls > 0);
	kit_settle(loop);
	ck_assert_uint_eq(o.calls, 0);
	lookup_cancel(NULL);
}
END_TEST

Suite *
suite_lookup(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "lookup", 60);

	tcase_add_checked_fixture(tc, enter, leave);
	tcase_add_test(tc, a_name_gives_its_addresses_with_the_port);
	tcase_add_test(tc, an_impossible_name_is_an_error);
	tcase_add_test(tc, one_given_up_is_not_answered);
	return suite;
}
