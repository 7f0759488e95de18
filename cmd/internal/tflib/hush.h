// Diverts the process's standard error to nowhere, and back.
void hush(void);
void unhush(void);
