#include "chain/rule.h"

static const struct {
	const char *name;
	const char *text;
} rules[RULE_COUNT] = {
#define RULE_ROW(id, name, text) [id] = {name, text},
    RULES(RULE_ROW)
#undef RULE_ROW
};

const char *
rule_name(enum rule r)
{
	return (unsigned)r < RULE_COUNT ? rules[r].name : "unknown-rule";
}

const char *
rule_text(enum rule r)
{
	return (unsigned)r < RULE_COUNT ? rules[r].text : "a rule that this build does not know";
}

struct verdict
verdict_ok(void)
{
	return verdict_of(RULE_OK);
}

struct verdict
verdict_of(enum rule r)
{
	return verdict_at(r, VERDICT_NO_TX);
}

struct verdict
verdict_at(enum rule r, uint32_t tx)
{
	return (struct verdict){.rule = r, .tx = tx};
}
