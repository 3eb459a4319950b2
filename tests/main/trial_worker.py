"""A worker that does nothing, one that cannot start, or one that does not want to stop."""

import signal
import sys

print("the worker says hello", flush=True)
if "--worker-fails" in sys.argv:
    print("the worker cannot find its tools", file=sys.stderr, flush=True)
    sys.exit(3)
if "--worker-is-deaf" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        signal.pause()
signal.sigwait([signal.SIGTERM])
