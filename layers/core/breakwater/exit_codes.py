"""The words for exit codes. Data only: what people read is changed here."""

# First code, last code, what it usually means. The first row that holds is taken.
EXIT_CODES: tuple[tuple[int, int, str], ...] = (
    (0, 0, "0: ended without an error; for a service's essential container that is an outage all the same"),
    (1, 1, "1: an error that the application found by itself; see its log"),
    (2, 2, "2: often wrong use of a shell command or a missing argument"),
    (125, 125, "125: the container runtime itself failed, before the command ran"),
    (126, 126, "126: the command was found but cannot be executed"),
    (127, 127, "127: the command was not found"),
    (128, 128, "128: an invalid exit code, or a container that could not be started"),
    (130, 130, "130: interrupted (SIGINT)"),
    (134, 134, "134: aborted by itself (SIGABRT)"),
    (137, 137, "137: killed (SIGKILL): out of memory, or SIGTERM ignored for longer than stopTimeout"),
    (139, 139, "139: memory access violation (SIGSEGV)"),
    (143, 143, "143: told to end (SIGTERM) and did"),
    (129, 159, "ended by a signal: the code is 128 plus its number"),
    (255, 255, "255: an error without a code of its own, often of the entrypoint"),
    (3221225477, 3221225477, "3221225477 (0xC0000005): memory access violation on Windows"),
    (3221225786, 3221225786, "3221225786 (0xC000013A): ended by Ctrl-C on Windows"),
    (3221225472, 4294967295, "a Windows exception"),
)
