"""Bad surroundings: `python -m tests.faults PATH_TO_HANOK [SECTION…]`.

Damaged inputs, full disks, read-only disks, missing columns, endless lines and broken state. Each case looks at Hanok
from outside, through its command line: the exit code, an error whose code `hanok errors` lists and whose text names the
file (and the line, where there is one), no panic, the tables' rows as they were before, and the next good run.

Full and read-only disks are small tmpfs mounts. They need root, or a kernel that lets users make namespaces (the tool
then starts itself again in one); where neither is possible it fails, unless HANOK_TEST_ALLOW_SKIP=1.
"""
