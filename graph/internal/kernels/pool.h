// Worker threads that wait between jobs for the next one.
#ifndef RNNBIN_POOL_H
#define RNNBIN_POOL_H

// Calls run(job, i) once for every i < parts, on this thread and on workers, and
// returns when all have. Several threads may call it at a time. Whatever the
// workers do, this thread takes each part that nobody has begun: a busy machine
// costs time, never progress. Denormal numbers are zero in all parts, whoever runs
// them.
void rnnbin_pool_run(void (*run)(void *job, int part), void *job, int parts);

#endif
