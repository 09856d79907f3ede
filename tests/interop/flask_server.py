"""A Flask server that receives `model.save('http://...')`, in the manner of the one in TensorFlow.js's documentation.

The form is parsed by werkzeug, and each part is written as it comes, under the file name that came with it. A part with any
other name than the two is refused.

    python3 flask_server.py FOLDER

Prints `listening on http://127.0.0.1:PORT` once it does.
"""

import os
import socket
import sys

from flask import Flask, Response, request
from werkzeug.formparser import parse_form_data
from werkzeug.serving import make_server

NAMES = ("model.json", "model.weights.bin")
FOLDER = sys.argv[1]

app = Flask("model-server")


def open_part(total_content_length, content_type, filename, content_length=None):
    if filename not in NAMES:
        raise ValueError(f"a part has the file name {filename!r}")
    return open(os.path.join(FOLDER, filename), "wb+")


@app.route("/upload", methods=["POST"])
def upload():
    _, _, files = parse_form_data(request.environ, stream_factory=open_part)
    for name, part in files.items():
        part.close()
        if name != part.filename:
            return Response(f"the part {name!r} has the file name {part.filename!r}", status=400)
    return Response(status=200)


listener = socket.create_server(("127.0.0.1", 0))
server = make_server("127.0.0.1", listener.getsockname()[1], app, fd=listener.fileno())
print(f"listening on http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
server.serve_forever()
