/* The suites of the program that has roles of its own. */
#ifndef RENSA_TESTS_NODE_POSTS_SUITES_H
#define RENSA_TESTS_NODE_POSTS_SUITES_H

#include "suite.h"

suite_maker suite_child, suite_posts, suite_posts_stop;

#endif
