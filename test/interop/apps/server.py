"""An app on Python's http.server: says its port, answers `/echo` with what it read and `/download` with a body.

PROTOCOL is HTTP/1.0 (the default: every answer ends with its connection) or HTTP/1.1. `close` in a query leaves the length out of an answer.
"""
import hashlib
import json
import os
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BLOCK = bytes(range(251))


class Handler(BaseHTTPRequestHandler):
    protocol_version = os.environ.get('PROTOCOL', 'HTTP/1.0')

    def answer(self):
        url = urllib.parse.urlsplit(self.path)
        query = urllib.parse.parse_qs(url.query, keep_blank_values=True)
        octets = self.rfile.read(int(self.headers.get('content-length') or 0))
        if url.path == '/download':
            length = int(query['bytes'][0])
            body = (BLOCK * (length // 251 + 1))[:length]
        else:
            told = {'method': self.command, 'path': self.path, 'octets': len(octets), 'sha': hashlib.sha256(octets).hexdigest()}
            body = json.dumps(told).encode()
        self.send_response(200)
        if 'close' in query:
            self.close_connection = True
        else:
            self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        if self.command != 'HEAD':
            self.wfile.write(body)

    do_GET = do_HEAD = do_POST = do_PUT = answer

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    # Its own is 5: of 16 connections at once the kernel drops some, each SYN comes again after a second, and that is the connect timeout.
    request_queue_size = 128


server = Server(('127.0.0.1', 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
