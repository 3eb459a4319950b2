"""A worker that does nothing, or one that cannot start."""

import signal
import sys

print("the worker says hello", flush=True)
if "--fail" in sys.argv:
    print("the worker cannot find its tools", file=sys.stderr, flush=True)
    sys.exit(3)
signal.sigwait([signal.SIGTERM])
