// Diverts the process's standard error to nowhere, and back.
void hush(void);
void unhush(void);

// What TensorFlow says when the first session runs; then it stays silent.
void run_nothing(void);
