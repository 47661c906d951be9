"""A small twelve-factor app: the argument says which of its process types it is.

    app.py web       answers on $PORT
    app.py worker    does a piece of work every few seconds
    app.py release   prepares a release: runs once before its processes start
    app.py migrate   an admin task, for a one-off run

Everything that differs between deployments comes from the environment: PORT, GREETING, RELEASE_FAIL, and what the
platform tells of itself, PAAS_RELEASE and PAAS_INSTANCE.
"""

import os
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

stopping = threading.Event()


def say(text):
    print(text, flush=True)


class Server(ThreadingHTTPServer):
    daemon_threads = False  # so that server_close waits for the requests in flight


class Handler(BaseHTTPRequestHandler):
    # HTTP/1.0, the default: one request a connection, so that no idle one holds up the end.
    timeout = 60  # seconds that a slow client gets

    def do_GET(self):
        if self.path == "/":
            instance, release = os.environ.get("PAAS_INSTANCE", ""), os.environ.get("PAAS_RELEASE", "")
            self.answer(200, f"Hello from {instance}, v{release}: {os.environ.get('GREETING', 'hello')}\n")
        elif self.path == "/healthz":
            self.answer(200, "ok\n")
        else:
            self.answer(404, "not found\n")

    def answer(self, status, text):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        say(f"web: {format % args}")


def web():
    """Serves until told to stop; requests in flight are finished."""
    server = Server(("", int(os.environ.get("PORT", "5000"))), Handler)
    say(f"web: listening on {server.server_port}")
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    stopping.wait()
    say("web: told to stop, finishing the requests in flight")
    server.shutdown()
    serving.join()
    server.server_close()


def worker():
    """Does a job every five seconds until told to stop."""
    job = 0
    while not stopping.is_set():
        job += 1
        say(f"worker: {os.environ.get('PAAS_INSTANCE', '')} did job {job}")
        stopping.wait(5)
    say("worker: told to stop, nothing left in hand")


def release():
    if os.environ.get("RELEASE_FAIL"):
        sys.exit("RELEASE_FAIL is set, so this release is not to be")
    say(f"release: v{os.environ.get('PAAS_RELEASE', '')} is prepared")


def migrate():
    for number, step in enumerate(["create table greetings", "add column language"], start=1):
        say(f"migrate: {number}. {step} … done")
    say(f"migrate: the schema is that of v{os.environ.get('PAAS_RELEASE', '')}")


def main(args):
    commands = {"web": web, "worker": worker, "release": release, "migrate": migrate}
    if len(args) != 1 or args[0] not in commands:
        sys.exit(f"use: app.py {'|'.join(commands)}")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    commands[args[0]]()


if __name__ == "__main__":
    main(sys.argv[1:])
