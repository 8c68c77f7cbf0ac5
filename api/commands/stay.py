"""The process that a detached `up` leaves behind; it is started by `up` with the words of `up`."""

import sys
from pathlib import Path

from api.commands.up import stay
from gis.errors import Refusal

if __name__ == "__main__":
    words = dict(zip(sys.argv[2::2], sys.argv[3::2], strict=False))
    try:
        stay(Path(words["--data"]), words["--host"], int(words["--port"]))
    except Refusal as refused:
        print(refused.message, flush=True)
        sys.exit(1)
