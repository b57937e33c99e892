/* Fields of answers, as text for people. */
#include "prog/show.h"

#include <inttypes.h>
#include <stdio.h>

#include "chain/params.h"

#define YEAR_10000_MS UINT64_C(253402300800000)
#define UNKNOWN "?"

const char *
show_number(char text[SHOW_NUMBER_SIZE], const struct jval *object, const char *key)
{
	uint64_t v;
	if (jval_number(&v, jval_get(object, key), NUMBER_MAX) != OK)
		return UNKNOWN;
	snprintf(text, SHOW_NUMBER_SIZE, "%" PRIu64, v);
	return text;
}

const char *
show_amount(char text[AMOUNT_TEXT_SIZE], const struct jval *object, const char *key)
{
	uint64_t v;
	if (jval_number(&v, jval_get(object, key), MONEY_MAX) != OK)
		return UNKNOWN;
	amount_format(text, v);
	return text;
}

const char *
show_time(char text[CLOCK_TEXT_SIZE], const struct jval *object, const char *key)
{
	uint64_t v;
	if (jval_number(&v, jval_get(object, key), YEAR_10000_MS - 1) != OK)
		return UNKNOWN;
	clock_format(text, v);
	return text;
}

const char *
show_ms(char text[SHOW_NUMBER_SIZE], uint64_t ms)
{
	static const struct {
		uint64_t below_ms, unit_ms;
		const char *name;
	} units[] = {
	    {UINT64_C(120) * 1000, 1000, "s"},
	    {UINT64_C(120) * 60000, 60000, "min"},
	    {UINT64_C(48) * 3600000, 3600000, "h"},
	    {UINT64_MAX, 86400000, "d"},
	};
	size_t i = 0;
	while (ms >= units[i].below_ms)
		i++;
	snprintf(text, SHOW_NUMBER_SIZE, "%" PRIu64 " %s", (ms + units[i].unit_ms / 2) / units[i].unit_ms,
		 units[i].name);
	return text;
}

const char *
show_span(char text[SHOW_NUMBER_SIZE], const struct jval *object, const char *key)
{
	uint64_t v;
	if (jval_number(&v, jval_get(object, key), NUMBER_MAX) != OK)
		return UNKNOWN;
	if (v >= 10000)
		return show_ms(text, v);
	snprintf(text, SHOW_NUMBER_SIZE, "%" PRIu64 ".%" PRIu64 " s", v / 1000, v % 1000 / 100);
	return text;
}

const char *
show_text(const struct jval *object, const char *key)
{
	return jval_str(object, key, UNKNOWN);
}

void
show_table(struct cli *c, struct table *t, const char *indent)
{
	struct buf unseen;
	buf_init(&unseen);
	table_end(t, c->is_json ? &unseen : &c->out, indent);
	buf_clear(&unseen);
}

void
show_json(struct cli *c, const struct jval *answer)
{
	jval_dump(&c->out, answer);
}

void
show_tx(struct table *t, const struct jval *tx)
{
	char number[SHOW_NUMBER_SIZE];
	char amount[AMOUNT_TEXT_SIZE];
	table_fact(t, "id", "%s", show_text(tx, "id"));
	table_fact(t, "from", "%s", show_text(tx, "sender_blockchain_address"));
	table_fact(t, "to", "%s", show_text(tx, "recipient_blockchain_address"));
	table_fact(t, "value", "%s", show_amount(amount, tx, "value"));
	table_fact(t, "fee", "%s", show_amount(amount, tx, "fee"));
	table_fact(t, "sequence", "%s", show_number(number, tx, "sequence"));
	const char *memo = show_text(tx, "memo");
	if (memo[0] != '\0')
		table_fact(t, "memo", "%s", memo);
}
