"""A server that speaks S3, as a program: `python tests/s3_server.py PORT`.

Moto's, which honours conditional writes and ranges. It looks and writes in two steps, so it answers
one request at a time here: what it promises then holds for programs that write at once.
"""

from __future__ import annotations

import logging
import sys

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple

if __name__ == "__main__":
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    application = DomainDispatcherApplication(create_backend_app)
    run_simple("127.0.0.1", int(sys.argv[1]), application, threaded=False)
