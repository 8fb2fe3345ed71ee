"""Makes `python3 -m forestall` the same as the `forestall` command."""

from __future__ import annotations

import sys

from forestall.ui.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
