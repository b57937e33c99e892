#include <string.h>

#include "../suite.h"
#include "chain/params.h"
#include "suites.h"

static void
set_name_empty(struct params *p)
{
	p->name[0] = '\0';
}

static void
set_name_long(struct params *p)
{
	memset(p->name, 'a', sizeof(p->name)); /* not even terminated */
}

static void
set_name_upper(struct params *p)
{
	strcpy(p->name, "Rensa");
}

static void
set_name_space(struct params *p)
{
	strcpy(p->name, "my net");
}

static void
set_genesis_time(struct params *p)
{
	p->genesis_time_ms = NUMBER_MAX + 1;
}

static void
set_interval_short(struct params *p)
{
	p->target_interval_ms = 99;
}

static void
set_interval_long(struct params *p)
{
	p->target_interval_ms = 86400001;
}

static void
set_retarget(struct params *p)
{
	p->retarget = (enum retarget)2;
}

static void
set_difficulty(struct params *p)
{
	p->difficulty = DIFFICULTY_LIMIT + 1;
}

static void
set_reward(struct params *p)
{
	p->reward = MONEY_MAX + 1;
}

static void
set_maturity(struct params *p)
{
	p->maturity = MATURITY_LIMIT + 1;
}

static void
set_min_fee(struct params *p)
{
	p->min_fee = MONEY_MAX + 1;
}

static void
set_block_small(struct params *p)
{
	p->max_block_bytes = BLOCK_BYTES_MIN - 1;
}

static void
set_block_large(struct params *p)
{
	p->max_block_bytes = BLOCK_BYTES_LIMIT + 1;
}

static void
set_version(struct params *p)
{
	p->address_version = 111;
}

static const struct {
	void (*set)(struct params *p);
	const char *field;
	bool allowed;
} rows[] = {
    {set_name_empty, "name", false},
    {set_name_long, "name", false},
    {set_name_upper, "name", false},
    {set_name_space, "name", false},
    {set_version, "address_version", true},
    {set_genesis_time, "genesis_time", false},
    {set_interval_short, "target_interval", false},
    {set_interval_long, "target_interval", false},
    {set_retarget, "retarget", false},
    {set_difficulty, "difficulty", false},
    {set_reward, "reward", false},
    {set_maturity, "maturity", false},
    {set_min_fee, "minimum_fee", false},
    {set_block_small, "max_block_bytes", false},
    {set_block_large, "max_block_bytes", false},
};

START_TEST(the_offending_parameter_is_named)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct params p;
		params_default(&p);
		rows[i].set(&p);
		const char *field;
		enum err err = params_check(&p, &field);
		ck_assert_int_eq(err, rows[i].allowed ? OK : ERR_ARG);
		if (rows[i].allowed)
			ck_assert_ptr_null(field);
		else
			ck_assert_str_eq(field, rows[i].field);
	}
}
END_TEST

START_TEST(each_parameter_is_hashed_and_its_difference_named)
{
	struct params ours, theirs;
	params_default(&ours);
	params_default(&theirs);
	ck_assert_ptr_null(params_difference(&ours, &theirs));
	struct hash256 hash = params_hash(&ours);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		params_default(&theirs);
		rows[i].set(&theirs);
		ck_assert_str_eq(params_difference(&ours, &theirs), rows[i].field);
		ck_assert_str_eq(params_difference(&theirs, &ours), rows[i].field);
		struct hash256 other = params_hash(&theirs);
		ck_assert(!hash_equal(&hash, &other));
	}
}
END_TEST

START_TEST(defaults_and_bounds_are_allowed)
{
	struct params p;
	const char *field;
	params_default(&p);
	ck_assert_int_eq(params_check(&p, &field), OK);
	memset(p.name, '-', NETWORK_NAME_MAX);
	p.genesis_time_ms = NUMBER_MAX;
	p.target_interval_ms = 86400000;
	p.difficulty = DIFFICULTY_LIMIT;
	p.reward = p.min_fee = MONEY_MAX;
	p.maturity = MATURITY_LIMIT;
	p.max_block_bytes = BLOCK_BYTES_LIMIT;
	ck_assert_int_eq(params_check(&p, &field), OK);
	p = (struct params){.name = "a", .target_interval_ms = 100, .max_block_bytes = BLOCK_BYTES_MIN};
	ck_assert_int_eq(params_check(&p, &field), OK);
	ck_assert_ptr_null(field);
}
END_TEST

START_TEST(canonical_bytes_are_laid_out_as_documented)
{
	static const uint8_t expected[] = {
	    1,	5,    'r',  'e',  'n',	's',  'a',	  /* format, name */
	    60,						  /* address version */
	    0,	0,    0x01, 0x9b, 0x76, 0xda, 0xa8, 0x00, /* genesis time */
	    0,	0,    0,    0,	  0,	0,    0x4e, 0x20, /* target interval */
	    1,	12,					  /* retarget, difficulty */
	    0,	0,    0,    0,	  0x05, 0xf5, 0xe1, 0x00, /* reward */
	    0,	0,    0,    0,				  /* maturity */
	    0,	0,    0,    0,	  0,	0,    0,    0,	  /* minimum fee */
	    0,	0x10, 0,    0,				  /* block bytes */
	};
	struct params p;
	params_default(&p);
	uint8_t bytes[PARAMS_SIZE_MAX];
	ck_assert_uint_eq(params_encode(bytes, &p), sizeof(expected));
	ck_assert_mem_eq(bytes, expected, sizeof(expected));
}
END_TEST

START_TEST(the_largest_parameters_fit)
{
	struct params p;
	params_default(&p);
	set_name_long(&p);
	uint8_t bytes[PARAMS_SIZE_MAX];
	ck_assert_uint_eq(params_encode(bytes, &p), 77);
}
END_TEST

START_TEST(canonical_bytes_are_read_back)
{
	struct params p, q;
	uint8_t bytes[PARAMS_SIZE_MAX];
	params_default(&p);
	p.retarget = RETARGET_FIXED;
	p.maturity = 7;
	p.min_fee = MONEY_MAX;
	size_t len = params_encode(bytes, &p);
	ck_assert_int_eq(params_decode(&q, bytes, len), OK);
	ck_assert_ptr_null(params_difference(&p, &q));
	/* Nothing shorter or longer is read, and nothing that breaks a bound. */
	for (size_t i = 0; i < len; i++)
		ck_assert_int_eq(params_decode(&q, bytes, i), ERR_FORMAT);
	bytes[len] = 0;
	ck_assert_int_eq(params_decode(&q, bytes, len + 1), ERR_FORMAT);
	bytes[2] = 0;
	ck_assert_int_eq(params_decode(&q, bytes, len), ERR_FORMAT);
	bytes[2] = 'R';
	ck_assert_int_eq(params_decode(&q, bytes, len), ERR_FORMAT);
	bytes[2] = 'r';
	bytes[1] = 33;
	ck_assert_int_eq(params_decode(&q, bytes, len), ERR_FORMAT);
	bytes[0] = 2;
	ck_assert_int_eq(params_decode(&q, bytes, len), ERR_UNSUPPORTED);
}
END_TEST

Suite *
suite_params(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "params", 10);
	tcase_add_test(tc, the_offending_parameter_is_named);
	tcase_add_test(tc, each_parameter_is_hashed_and_its_difference_named);
	tcase_add_test(tc, defaults_and_bounds_are_allowed);
	tcase_add_test(tc, canonical_bytes_are_laid_out_as_documented);
	tcase_add_test(tc, the_largest_parameters_fit);
	tcase_add_test(tc, canonical_bytes_are_read_back);
	return suite;
}
