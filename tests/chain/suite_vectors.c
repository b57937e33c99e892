#include <stdbool.h>
#include <string.h>

#include "../suite.h"
#include "suites.h"
#include "util/file.h"
#include "vectors.h"

/* Where a difference can be looked at: in the folder of the run. */
#define COMPUTED_FILE "vectors.computed.json"

/* If this fails, the protocol has changed: what it reads was published for other programs to agree with. */
START_TEST(the_published_vectors_are_what_this_code_computes)
{
	struct buf computed, published;
	buf_init(&computed);
	buf_init(&published);
	vectors_write(&computed);
	ck_assert_int_eq(file_read(&published, VECTORS_FILE, 1 << 20), OK);
	bool is_same = strcmp(computed.data, published.data) == 0;
	if (!is_same)
		ck_assert_int_eq(file_write(COMPUTED_FILE, computed.data, computed.len, 0644), OK);
	ck_assert_msg(is_same, "see what differs: diff %s %s", VECTORS_FILE, COMPUTED_FILE);
	buf_clear(&computed);
	buf_clear(&published);
}
END_TEST

Suite *
suite_vectors(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "vectors", 20);
	tcase_add_test(tc, the_published_vectors_are_what_this_code_computes);
	return suite;
}
