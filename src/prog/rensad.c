/*
 * rensad, the node: reads its configuration and runs the master, in the foreground.
 *
 * It ends with 0 when it was stopped, 1 when it failed, and 2 when it refuses its command line, its configuration or
 * its data: then a supervisor gains nothing by starting it again.
 */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/config.h"
#include "node/doctor.h"
#include "node/master.h"
#include "node/proctitle.h"
#include "node/upgrade.h"
#include "rensad_reset.h"
#include "util/buf.h"
#include "util/failpoint.h"
#include "util/file.h"
#include "util/log.h"
#include "util/mem.h"

#ifndef SYSCONFDIR
#define SYSCONFDIR "/etc"
#endif
#define DEFAULT_PATH SYSCONFDIR "/rensa/rensad.conf"

enum { EXIT_STOPPED = 0, EXIT_FAILED = 1, EXIT_REFUSED = 2 };

enum action {
	ACTION_RUN,
	ACTION_TEST,
	ACTION_PRINT,
	ACTION_SAMPLE,
	ACTION_MANUAL,
	ACTION_RESET,
	ACTION_DOCTOR,
	ACTION_CHECK_UPGRADE
};

struct options {
	const char *path;      /* NULL: the default */
	const char **settings; /* of the options -o, then NULL */
	size_t setting_count;
	const char **only; /* of the options --only, then NULL */
	size_t only_count;
	enum action action;
	const char *form; /* of a hand-over, with --check-upgrade */
	bool is_sure;	  /* --yes */
};

static const char help_text[] =
    "Usage: rensad [-c FILE] [-o SECTION.KEY=VALUE]... [-t | -T | --reset [--yes] | --check-upgrade FORM]\n"
    "       rensad --sample | --manual\n"
    "       rensad --doctor [--only CHECK]... [-c FILE] [-o SECTION.KEY=VALUE]...\n"
    "Runs a node of a private blockchain, in the foreground.\n"
    "\n"
    "  -c, --config FILE  the configuration; without it " DEFAULT_PATH "\n"
    "  -o, --set SECTION.KEY=VALUE\n"
    "                     set a key, whatever files and environment say; may be given again and again\n"
    "  -t, --test         check the configuration, name everything wrong in it, and end\n"
    "  -T, --print        the same, then print every key with the value that the node would use and its origin\n"
    "      --sample       print a commented sample configuration, and end\n"
    "      --manual       print the manual page rensad.conf(5), and end\n"
    "      --reset        delete the chain and the pending transfers of a stopped node: names each file, then asks\n"
    "      --yes          do not ask\n"
    "      --doctor       look for what stands in a node's way, and print it as JSON; \"rensa doctor\" shows it to "
    "people\n"
    "      --only CHECK   of that this check alone; may be given again and again\n"
    "      --check-upgrade FORM\n"
    "                     say whether this program can take over from a node that runs; see SIGUSR2 in rensad(8)\n"
    "  -h, --help         print this text, and end\n"
    "  -V, --version      print the version, and end\n"
    "\n"
    "A first node:\n"
    "  rensad --sample > rensad.conf      then edit it: data_dir, listen, peers\n"
    "  rensad -t -c rensad.conf\n"
    "  rensad -c rensad.conf              then, in another terminal: rensa status\n"
    "\n"
    "Environment: RENSAD_SECTION_KEY, as RENSAD_HTTP_LISTEN, sets a key; it wins over files, -o over both.\n"
    "Signals: SIGTERM or SIGINT stops in order, a second one at once; SIGHUP reads the configuration\n"
    "again; SIGUSR1 opens the log file again; SIGUSR2 upgrades: the program at the path of this one takes its place, "
    "and no\n"
    "connection is refused.\n"
    "Ends with 0: stopped, 1: failed, 2: refuses its command line, configuration or data.\n";

/* Prints text to standard output; a full disk or a closed pipe is a failure too. */
static int
print(const char *text)
{
	if (fputs(text, stdout) == EOF || fflush(stdout) == EOF) {
		perror("rensad: standard output");
		return EXIT_FAILED;
	}
	return EXIT_STOPPED;
}

/* Tells what is wrong, a line for each thing; to the journal with the priority of an error, as sd-daemon(3) has it. */
static void
print_faults(const char *text)
{
	const char *lead = log_stderr_is_journal() ? "<3>" : "";

	while (*text != '\0') {
		size_t len = strcspn(text, "\n");
		fprintf(stderr, "%s%.*s\n", lead, (int)len, text);
		text += len + (text[len] == '\n');
	}
}

/* --only goes with --doctor and names what it knows. */
static bool
options_name_checks(const struct options *o)
{
	struct buf names;

	if (o->only_count > 0 && o->action != ACTION_DOCTOR) {
		fputs("rensad: --only goes with --doctor.\nTry \"rensad --help\".\n", stderr);
		return false;
	}
	for (size_t i = 0; i < o->only_count; i++) {
		if (doctor_knows(o->only[i]))
			continue;
		buf_init(&names);
		doctor_names(&names);
		fprintf(stderr, "rensad: there is no check \"%s\"; there are %s\n", o->only[i], names.data);
		buf_clear(&names);
		return false;
	}
	return true;
}

/* True if the program goes on; otherwise it ends with *exit_code. */
static bool
options_parse(struct options *o, int *exit_code, int argc, char **argv)
{
	enum {
		OPTION_SAMPLE = 256,
		OPTION_MANUAL,
		OPTION_RESET,
		OPTION_YES,
		OPTION_DOCTOR,
		OPTION_ONLY,
		OPTION_CHECK_UPGRADE
	};
	static const struct option longs[] = {
	    {"config", required_argument, NULL, 'c'},
	    {"test", no_argument, NULL, 't'},
	    {"print", no_argument, NULL, 'T'},
	    {"set", required_argument, NULL, 'o'},
	    {"manual", no_argument, NULL, OPTION_MANUAL},
	    {"sample", no_argument, NULL, OPTION_SAMPLE},
	    {"reset", no_argument, NULL, OPTION_RESET},
	    {"yes", no_argument, NULL, OPTION_YES},
	    {"doctor", no_argument, NULL, OPTION_DOCTOR},
	    {"only", required_argument, NULL, OPTION_ONLY},
	    {"check-upgrade", required_argument, NULL, OPTION_CHECK_UPGRADE},
	    {"help", no_argument, NULL, 'h'},
	    {"version", no_argument, NULL, 'V'},
	    {NULL, 0, NULL, 0},
	};
	bool is_reset = false;
	int option;
	/* Each takes an argument at least. */
	*o = (struct options){.action = ACTION_RUN,
			      .settings = xcalloc((size_t)argc + 1, sizeof(*o->settings)),
			      .only = xcalloc((size_t)argc + 1, sizeof(*o->only))};
	*exit_code = EXIT_REFUSED;
	while ((option = getopt_long(argc, argv, "c:o:tThV", longs, NULL)) != -1) {
		switch (option) {
		case 'c':
			o->path = optarg;
			break;
		case 'o':
			o->settings[o->setting_count++] = optarg;
			break;
		case 't':
			if (o->action == ACTION_RUN)
				o->action = ACTION_TEST;
			break;
		case 'T':
			o->action = ACTION_PRINT;
			break;
		case OPTION_SAMPLE:
			o->action = ACTION_SAMPLE;
			break;
		case OPTION_MANUAL:
			o->action = ACTION_MANUAL;
			break;
		case OPTION_RESET:
			is_reset = true;
			break;
		case OPTION_CHECK_UPGRADE:
			o->action = ACTION_CHECK_UPGRADE;
			o->form = optarg;
			break;
		case OPTION_YES:
			o->is_sure = true;
			break;
		case OPTION_DOCTOR:
			o->action = ACTION_DOCTOR;
			break;
		case OPTION_ONLY:
			o->only[o->only_count++] = optarg;
			break;
		case 'h':
			*exit_code = print(help_text);
			return false;
		case 'V':
			*exit_code = print("rensad " PACKAGE_VERSION "\n");
			return false;
		default: /* getopt_long has said what is wrong */
			fputs("Try \"rensad --help\".\n", stderr);
			return false;
		}
	}
	if (optind < argc) {
		fprintf(stderr,
			"rensad: \"%s\" is not an option; a configuration is given with -c FILE.\n"
			"Try \"rensad --help\".\n",
			argv[optind]);
		return false;
	}
	if (is_reset ? o->action != ACTION_RUN : o->is_sure) {
		fputs("rensad: --reset stands alone but for -c, -o and --yes, which goes with it only.\nTry \"rensad "
		      "--help\".\n",
		      stderr);
		return false;
	}
	if (is_reset)
		o->action = ACTION_RESET;
	return options_name_checks(o);
}

/*
 * A reload reads the same name even if the working folder is another by then. Links in it are followed anew: what
 * container hosts mount is replaced by pointing them elsewhere.
 */
static void
path_complete(struct buf *out, const char *path)
{
	char *folder = path[0] == '/' ? NULL : getcwd(NULL, 0);

	if (folder != NULL)
		buf_printf(out, "%s/", folder);
	buf_puts(out, path);
	free(folder);
}

/* Of a configuration that is good, or of what is wrong with it. */
static int
examine(const struct config *config, const struct config_inputs *inputs, const char *errors, const char *const *only)
{
	struct buf text;
	bool is_well;

	buf_init(&text);
	is_well = config != NULL ? doctor_run(&text, config, inputs->path, only) : doctor_refuse(&text, errors);
	int exit_code = print(text.data);
	buf_clear(&text);
	return exit_code == EXIT_STOPPED && !is_well ? EXIT_FAILED : exit_code;
}

/* For a running node that asks. */
static int
check_upgrade(const struct config *config, const char *form)
{
	struct buf text;
	int exit_code = EXIT_REFUSED;

	buf_init(&text);
	if (upgrade_check(config, form, &text) == OK) {
		upgrade_say_ready(&text);
		exit_code = print(text.data);
	} else {
		print_faults(text.data);
	}
	buf_clear(&text);
	return exit_code;
}

int
main(int argc, char **argv)
{
	struct options options = {0};
	struct handover handed;
	struct program program;
	struct config config;
	struct buf text;
	int exit_code = EXIT_FAILED;

	fd_take_standard();
	buf_init(&text);
	program_init(&program, argv);
	enum err e = handover_take(&handed, &text);
	proctitle_init(argc, argv);
	failpoint_load();
	if (e == ERR_FORMAT) {
		print_faults(text.data);
		goto out;
	}
	if (!options_parse(&options, &exit_code, argc, argv))
		goto out;
	if (options.action == ACTION_SAMPLE || options.action == ACTION_MANUAL) {
		if (options.action == ACTION_SAMPLE)
			config_sample(&text);
		else
			config_manual(&text);
		exit_code = print(text.data);
		goto out;
	}

	struct config_inputs inputs = {.path = options.path != NULL ? options.path : DEFAULT_PATH,
				       .environment = environ,
				       .settings = options.settings};
	e = config_load(&config, &inputs, &text);
	if (e != OK && options.action == ACTION_DOCTOR) {
		exit_code = examine(NULL, &inputs, text.data, options.only);
		goto out;
	}
	if (e != OK) {
		print_faults(text.data);
		if (e == ERR_NOT_FOUND && options.path == NULL)
			fputs("rensad: name another configuration with -c FILE, or begin one with: "
			      "rensad --sample > FILE\n",
			      stderr);
		exit_code = EXIT_REFUSED;
		goto out;
	}
	if (options.action == ACTION_TEST) {
		buf_printf(&text, "%s: the configuration is good\n", inputs.path);
		exit_code = print(text.data);
	} else if (options.action == ACTION_PRINT) {
		config_print(&text, &config);
		exit_code = print(text.data);
	} else if (options.action == ACTION_DOCTOR) {
		exit_code = examine(&config, &inputs, NULL, options.only);
	} else if (options.action == ACTION_CHECK_UPGRADE) {
		exit_code = check_upgrade(&config, options.form);
	} else if (options.action == ACTION_RESET) {
		exit_code = reset_run(&config, options.is_sure);
	} else {
		struct buf full;
		buf_init(&full);
		path_complete(&full, inputs.path);
		inputs.path = full.data;
		exit_code = master_run(&config, &inputs, &program, &handed);
		buf_clear(&full);
	}
	config_clear(&config);
out:
	buf_clear(&text);
	free(options.settings);
	free(options.only);
	program_clear(&program);
	return exit_code;
}
