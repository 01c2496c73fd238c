"""What must not stand in a log, whoever writes it."""

from __future__ import annotations

import logging
import re

#: /hooks/<account>/<secret>/, also misspelt.
HOOK_PATH = re.compile(r"(/hooks/)[^\s\"'?#]+")


class HideHookSecrets(logging.Filter):
    """Replaces what follows /hooks/ in a line; lets every line through."""

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        if "/hooks/" in text:
            record.msg, record.args = HOOK_PATH.sub(r"\1[removed]", text), ()
        return True
