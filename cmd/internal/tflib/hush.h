#include <stddef.h>

// Diverts the process's standard error to a file without a name, and back. Not for two
// threads at once.
void hush(void);
void unhush(void);

// How much was written to it since hush, in bytes.
long hushed(void);

// The end of that behind a place, at most n bytes; returns how many.
long hushed_tail(long from, char *text, size_t n);

// While standard error is diverted, a signal that ends the process prints the end of what
// was written before it takes its course.
void speak_last(void);
void speak_no_more(void);
