/* Attributes that contracts in headers are written with. */
#ifndef RENSA_UTIL_ATTR_H
#define RENSA_UTIL_ATTR_H

/* The result matters: ignoring it is a compile error under -Werror. */
#define MUSTCHECK __attribute__((warn_unused_result))

/* printf-like: argument `fmt` is the format, `args` the first value. */
#define PRINTFLIKE(fmt, args) __attribute__((format(printf, fmt, args)))

#define NORETURN __attribute__((noreturn))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
