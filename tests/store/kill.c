/*
 * A writer is killed at every named point of a commit, at the first, second, … pass until the point is not reached any
 * more. The parent plays the master: it peeks at the dead, repairs, reaps. Then a new writer process does the work
 * again, and everything that the segment holds is compared with what the blocks themselves say.
 *
 * Two pieces of work: an extension of the tip, and a swap to a longer branch from below it. Needs --enable-failpoints.
 */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "chain/header_chain.h"
#include "chain/pow.h"
#include "chain/template.h"
#include "crypto/headerhash.h"
#include "store/commit.h"
#include "util/failpoint.h"

/* Without them nobody can be killed at a named point, and only the readers are tried. */
#ifdef RENSA_FAILPOINTS
static const bool has_failpoints = true;
#else
static const bool has_failpoints = false;
#endif

#define BASE_HEIGHT 12
#define PASSES_MAX 400
#define MINERS 3

/* Every point that a committing writer passes. A new one in the code has to be added: see points_are_all_listed. */
static const char *const points[] = {
    "trie.before-link",	 "stage.accounts",	"stage.written",     "stage.done",
    "commit.begun",	 "commit.indexed-hash", "commit.indexed-tx", "commit.indexed",
    "commit.swap-begun", "commit.head-back",	"commit.head-on",    "commit.before-tip",
    "commit.after-tip",	 "commit.before-clear", "lock.after-wait",   "lock.before-post",
};

static struct store *store;
static struct seckey keys[MINERS];
static struct address miners[MINERS];

static void
make_store(void)
{
	struct store_options o = {.name = "kill",
				  .data_dir = "/nonexistent/kill",
				  .size_max = 64 << 20,
				  .roles = 4,
				  .rings = 2,
				  .pool_max = 64};
	char data_dir[64];
	struct buf why;

	snprintf(data_dir, sizeof(data_dir), "/nonexistent/kill-%d", (int)getpid());
	o.data_dir = data_dir;
	params_default(&o.params);
	o.params.difficulty = 2;
	buf_init(&why);
	ck_assert_msg(store_create(&store, &o, &why) == OK, "%s", why.data);
	buf_clear(&why);
	for (int i = 0; i < MINERS; i++) {
		struct pubkey pub;
		memset(&keys[i], 0, sizeof(keys[i]));
		keys[i].b[31] = (uint8_t)(i + 1);
		ck_assert_int_eq(key_public(&pub, &keys[i]), OK);
		miners[i] = address_of(&pub);
	}
}

/* A solved block on `parent` with one transfer of `from`, if it has coins. Returned bytes are the caller's. */
static void
make_block(struct buf *out, struct blockref parent, int miner, struct ledger *ledger)
{
	struct header_state state;
	struct hash256 target_hash;
	struct u256 target;
	struct header h;
	struct account account;
	struct buf body;
	uint32_t count = 0;
	uint64_t nonce;
	int from = (miner + 1) % MINERS;

	chain_header_state(store, parent, &state);
	buf_init(&body);
	ledger_get(ledger, &miners[from], &account);
	if (account.balance > 1000) {
		struct tx tx = {.version = TX_TRANSFER,
				.network = *store_genesis(store),
				.recipient = miners[miner],
				.value = 1000,
				.sequence = account.sequence};
		uint8_t bytes[TX_SIZE_MAX];
		struct writer w = writer_of(bytes, sizeof(bytes));
		ck_assert_int_eq(tx_sign(&tx, &keys[from]), OK);
		tx_encode(&w, &tx);
		buf_append(&body, bytes, writer_len(&w));
		count = 1;
	}
	template_block(out, &state, store_params(store), store_genesis(store), &miners[miner],
		       chain_supply(store, parent), 0, &body, count, state.header.time_ms + 20000);
	header_decode(&h, (const uint8_t *)out->data);
	ck_assert(target_expand(&target, h.target));
	target_hash = u256_to_hash(&target);
	ck_assert(headerhash_search(&nonce, (const uint8_t *)out->data, &target_hash, 0, 1u << 24));
	h.nonce = nonce;
	header_encode((uint8_t *)out->data, &h);
	buf_clear(&body);
}

/* Judges, stages and commits `count` blocks on `from`, as a miner or resolver would. */
static enum err
grow(struct blockref from, int count, int miner)
{
	struct chain_base base = {store, from, OK};
	struct ledger_base ledger_base = chain_base_of(&base);
	struct ledger *ledger = ledger_new(store_params(store), store_genesis(store), &ledger_base);
	struct blockref tip = chain_tip(store), at = from;
	uint64_t tags[16];
	enum err e = OK;

	for (int i = 0; i < count && e == OK; i++) {
		struct buf bytes;
		struct block b;
		uint64_t minted;
		size_t changed;
		const struct ledger_change *changes;

		buf_init(&bytes);
		make_block(&bytes, at, miner, ledger);
		ck_assert_int_eq(block_parse(&b, bytes.data, bytes.len), RULE_OK);
		ck_assert_int_eq(
		    ledger_apply_block(ledger, &b, chain_supply(store, at), NULL, NULL, NULL, &minted).rule, RULE_OK);
		ck_assert_int_eq(base.failed, OK);
		changes = ledger_changes(ledger, &changed);
		ck_assert_uint_le(changed, 16);
		e = store_reserve(store, stage_cost(&b, changed));
		if (e == OK)
			e = store_begin(store, 5000);
		if (e == OK) {
			e = stage_block(store, &at, at, &b, chain_supply(store, at) + minted, changes, changed, tags);
			if (e == OK && i == count - 1)
				e = commit_tip(store, tip, at);
			store_end(store);
		}
		ledger_keep(ledger, tags);
		buf_clear(&bytes);
	}
	ledger_free(ledger);
	return e;
}

/* The work of one writer process: an extension, then a swap to a branch that forks two below and is longer by one. */
static enum err
work(void)
{
	struct blockref tip = chain_tip(store);
	enum err e = grow(tip, 1, 0);

	if (e == OK)
		e = grow(chain_parent(store, chain_parent(store, chain_tip(store))), 4, 1);
	return e;
}

/* Runs work() in a child with one point armed. True if the child was killed at it. */
static bool
work_killed_at(const char *point, unsigned pass)
{
	siginfo_t info = {0};
	int status;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		if (store_attach(store, STORE_COMMIT, 0, 0) != OK)
			_exit(3);
		if (point != NULL)
			failpoint_arm(point, FAILPOINT_KILL, pass);
		_exit(work() == OK ? 0 : 4);
	}
	ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	store_bury(store, pid);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status)) {
		ck_assert_int_eq(WTERMSIG(status), SIGKILL);
		return true;
	}
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the writer ended with %d", WEXITSTATUS(status));
	return false;
}

/* Everything about the present chain, recomputed from its blocks alone. */
static void
check_everything(const char *when, unsigned pass)
{
	struct blockref tip = chain_tip(store), ref;
	struct account expected[MINERS] = {0}, seen;
	uint64_t supply = 0, height = chain_height(store, tip), sum = 0;
	struct store_usage usage;

	for (uint64_t h = 0; h <= height; h++) {
		struct block b;
		struct block_iter it;
		struct tx tx;
		enum rule rule;
		struct hash256 root;

		ref = chain_at(store, tip, h);
		chain_block(store, ref, &b);
		ck_assert_msg(b.header.height == h, "%s, pass %u: height %" PRIu64, when, pass, h);
		if (h > 0) {
			ck_assert(hash_equal(&b.header.previous, chain_hash(store, chain_parent(store, ref))));
			root = block_merkle_root(&b);
			ck_assert(hash_equal(&root, &b.header.merkle_root));
		}
		ck_assert(blockref_equal(chain_find(store, tip, &b.hash), ref));
		for (it = block_txs(&b); block_next(&it, &tx, &rule);) {
			struct hash256 id = tx_id(&tx);
			struct tx_place place;

			ck_assert_int_eq(rule, RULE_OK);
			ck_assert_msg(chain_find_tx(store, tip, &id, &place) && blockref_equal(place.block, ref) &&
					  place.index == it.index,
				      "%s, pass %u: a transaction of block %" PRIu64 " is not found", when, pass, h);
			if (tx.version == TX_REWARD)
				supply += tx.value;
			for (int i = 0; i < MINERS; i++) {
				struct address sender = tx_sender(&tx);
				if (tx.version == TX_TRANSFER && address_equal(&sender, &miners[i])) {
					expected[i].balance -= tx.value + tx.fee;
					expected[i].sequence++;
				}
				if (address_equal(&tx.recipient, &miners[i]))
					expected[i].balance += tx.value;
			}
		}
		ck_assert_uint_eq(chain_supply(store, ref), supply);
	}
	for (int i = 0; i < MINERS; i++) {
		ck_assert_int_eq(chain_account(store, tip, &miners[i], &seen, NULL), OK);
		ck_assert_msg(seen.balance == expected[i].balance && seen.sequence == expected[i].sequence,
			      "%s, pass %u: account %d has %" PRIu64 "/%" PRIu64 ", the blocks say %" PRIu64
			      "/%" PRIu64,
			      when, pass, i, seen.balance, seen.sequence, expected[i].balance, expected[i].sequence);
		sum += seen.balance;
	}
	ck_assert_uint_eq(sum, supply);
	store_usage(store, &usage);
	ck_assert_uint_le(usage.arena_used, usage.granted);
}

START_TEST(a_writer_killed_at_any_point_leaves_a_chain_that_the_next_one_repairs)
{
	const char *point = points[_i];
	unsigned pass = 1, kills = 0;

	make_store();
	ck_assert_int_eq(grow(chain_tip(store), BASE_HEIGHT, 2), OK);
	check_everything("before", 0);
	while (pass < PASSES_MAX && work_killed_at(point, pass)) {
		uint64_t height = chain_height(store, chain_tip(store));
		kills++;
		check_everything(point, pass);
		/* A fresh writer finds an unlocked, whole chain, and gets on. */
		ck_assert(!work_killed_at(NULL, 0));
		check_everything(point, pass);
		ck_assert_uint_gt(chain_height(store, chain_tip(store)), height);
		pass++;
	}
	ck_assert_msg(kills > 0, "%s is never reached", point);
	ck_assert_msg(pass < PASSES_MAX, "%s does not end", point);
	store_destroy(store);
}
END_TEST

/* The master itself may die while it repairs, or its successor's segment is young: repairing again must do. */
START_TEST(a_repair_that_is_itself_killed_is_repeated)
{
	static const char *const first[] = {"commit.head-back", "commit.before-tip", "commit.after-tip"};

	make_store();
	ck_assert_int_eq(grow(chain_tip(store), BASE_HEIGHT, 2), OK);
	for (size_t i = 0; i < ARRAY_LEN(first); i++) {
		siginfo_t info = {0};
		pid_t pid = fork(), mender;

		if (pid == 0) {
			if (store_attach(store, STORE_COMMIT, 0, 0) != OK)
				_exit(3);
			failpoint_arm(first[i], FAILPOINT_KILL, 2);
			_exit(work() == OK ? 0 : 4);
		}
		ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
		ck_assert_int_eq(info.si_code, CLD_KILLED);
		mender = fork();
		if (mender == 0) {
			if (store_attach(store, STORE_COMMIT, 1, 0) != OK)
				_exit(3);
			failpoint_arm("repair.before-clear", FAILPOINT_KILL, 1);
			store_bury(store, pid);
			_exit(5);
		}
		ck_assert_int_eq(waitid(P_PID, (id_t)mender, &info, WEXITED | WNOWAIT), 0);
		ck_assert_int_eq(info.si_code, CLD_KILLED);
		ck_assert(store_bury(store, mender));
		waitpid(mender, NULL, 0);
		waitpid(pid, NULL, 0);
		check_everything(first[i], 2);
		ck_assert(!work_killed_at(NULL, 0));
		check_everything(first[i], 2);
	}
	store_destroy(store);
}
END_TEST

/* Readers in processes of their own stream the chain while a writer swaps branches all the time; none may see a mix. */
START_TEST(readers_never_see_a_mix_of_two_branches)
{
	enum { READERS = 3, SWAPS = 2000, STREAMS_MIN = 200 };
	pid_t readers[READERS], writer;
	int status, go[2], ended[2];
	char byte;

	make_store();
	ck_assert_int_eq(grow(chain_tip(store), BASE_HEIGHT, 2), OK);
	ck_assert_int_eq(pipe(go), 0);
	ck_assert_int_eq(pipe(ended), 0);
	for (int r = 0; r < READERS; r++) {
		readers[r] = fork();
		if (readers[r] == 0) {
			unsigned streams = 0;
			close(ended[1]);
			if (store_attach(store, STORE_READ, (uint32_t)r, 0) != OK)
				_exit(3);
			close(go[0]);
			if (write(go[1], "x", 1) != 1)
				_exit(3);
			/* Until the writer has ended, and at least so often. */
			while (streams < STREAMS_MIN || chain_height(store, chain_tip(store)) < BASE_HEIGHT + SWAPS) {
				struct blockref tip = chain_tip(store), refs[8];
				uint64_t from = 0, sum = 0;
				struct hash256 previous = {{0}};
				size_t n;

				while ((n = chain_window(store, tip, from, refs, 8)) > 0) {
					for (size_t i = 0; i < n; i++, from++) {
						struct block b;
						chain_block(store, refs[i], &b);
						if (b.header.height != from ||
						    !hash_equal(&b.header.previous, &previous))
							_exit(10);
						previous = b.hash;
					}
				}
				if (from != chain_height(store, tip) + 1 ||
				    !hash_equal(&previous, chain_hash(store, tip)))
					_exit(11);
				for (int i = 0; i < MINERS; i++) {
					struct account a;
					enum err e = chain_account(store, tip, &miners[i], &a, NULL);
					if (e == ERR_STALE) {
						sum = chain_supply(store, tip);
						break;
					}
					if (e != OK)
						_exit(12);
					sum += a.balance;
				}
				if (sum != chain_supply(store, tip))
					_exit(13);
				streams++;
			}
			_exit(0);
		}
	}
	close(go[1]);
	for (int r = 0; r < READERS; r++)
		ck_assert_int_eq(read(go[0], &byte, 1), 1);
	writer = fork();
	if (writer == 0) {
		if (store_attach(store, STORE_COMMIT, 3, 0) != OK)
			_exit(3);
		/* Each swap forks one below the tip and is one longer. */
		for (int i = 0; i < SWAPS; i++)
			if (grow(chain_parent(store, chain_tip(store)), 2, i % 2) != OK)
				_exit(4);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(writer, &status, 0), writer);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the writer ended with %x", status);
	for (int r = 0; r < READERS; r++) {
		ck_assert_int_eq(waitpid(readers[r], &status, 0), readers[r]);
		ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a reader saw something wrong: %d",
			      WEXITSTATUS(status));
	}
	ck_assert_uint_eq(chain_height(store, chain_tip(store)), BASE_HEIGHT + SWAPS);
	check_everything("after the swaps", 0);
	store_destroy(store);
}
END_TEST

/* The list above is complete: it holds every point named in the writers' sources. */
START_TEST(points_are_all_listed)
{
	static const char *const files[] = {"trie.c", "commit.c", "lock.c"};
	const char *srcdir = getenv("srcdir");

	for (size_t f = 0; f < ARRAY_LEN(files); f++) {
		char path[4096], line[512];
		FILE *in;

		snprintf(path, sizeof(path), "%s/src/store/%s", srcdir == NULL ? "." : srcdir, files[f]);
		in = fopen(path, "r");
		ck_assert_msg(in != NULL, "cannot read %s", path);
		while (fgets(line, sizeof(line), in) != NULL) {
			char *name = strstr(line, "FAILPOINT(\""), *end;
			bool is_listed = false;
			if (name == NULL)
				continue;
			name += strlen("FAILPOINT(\"");
			end = strchr(name, '"');
			ck_assert_ptr_nonnull(end);
			*end = '\0';
			for (size_t i = 0; i < ARRAY_LEN(points); i++)
				is_listed = is_listed || strcmp(points[i], name) == 0;
			ck_assert_msg(is_listed || strncmp(name, "repair.", 7) == 0, "%s is not tried", name);
		}
		fclose(in);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("kill");
	TCase *tc = tcase_create("kill");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 300);
	tcase_add_test(tc, readers_never_see_a_mix_of_two_branches);
	if (has_failpoints) {
		tcase_add_test(tc, points_are_all_listed);
		tcase_add_loop_test(tc, a_writer_killed_at_any_point_leaves_a_chain_that_the_next_one_repairs, 0,
				    (int)ARRAY_LEN(points));
		tcase_add_test(tc, a_repair_that_is_itself_killed_is_repeated);
	}
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
