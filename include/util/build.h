/* Which build of the program this is, for people who run several of one version. */
#ifndef RENSA_UTIL_BUILD_H
#define RENSA_UTIL_BUILD_H

/*
 * "0.1.0 (build 1a2b3c4d)": the version, and the first bytes of the identity that the linker gave the program, the same
 * for the same input. Without one only the version. Never more than BUILD_NAME_MAX bytes, none of them a semicolon.
 */
#define BUILD_NAME_MAX 63
const char *build_name(void);

#endif
