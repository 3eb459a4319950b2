"""A set-up that makes an owner with a password and counts how often it was asked."""

import json
import os
import sys
from pathlib import Path

asked = Path(os.environ["SERAI_DATA_DIR"]) / "asked"
asked.write_text(asked.read_text() + "x" if asked.exists() else "x")
with os.fdopen(int(sys.argv[sys.argv.index("--report-fd") + 1]), "w") as report:
    json.dump({"owner_email": "owner@example.com", "owner_password": "quiet-harbour-42"}, report)
