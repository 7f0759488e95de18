// Functions between TARGET_BEGIN and TARGET_END may use the named instructions,
// in GCC's and in clang's words.
#ifndef RNNBIN_TARGET_H
#define RNNBIN_TARGET_H

#define PRAGMA(text) _Pragma(#text)
#if defined(__clang__)
#define TARGET_BEGIN(names) PRAGMA(clang attribute push(__attribute__((target(names))), apply_to = function))
#define TARGET_END _Pragma("clang attribute pop")
#else
#define TARGET_BEGIN(names) _Pragma("GCC push_options") PRAGMA(GCC target(names))
#define TARGET_END _Pragma("GCC pop_options")
#endif

#endif
