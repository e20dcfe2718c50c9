"""One run of a Python HTTP client through a sidecar: a line of JSON for each thing tried.

    python client.py LIBRARY MODE OUTBOUND SERVICE OUTSIDE

LIBRARY is http.client, urllib, requests or aiohttp. MODE is how the sidecar is used: `host` (connected to, with the service in Host) or `proxy` (by
HTTP_PROXY or the library's own setting), and with http.client also `connect`. OUTSIDE is the authority of a server that is not in the mesh.
"""
import asyncio
import concurrent.futures
import hashlib
import http.client
import json
import os
import socket
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

library, mode, outbound, service, outside = sys.argv[1:6]
proxy_host, proxy_port = outbound.rsplit(':', 1)
proxy_port = int(proxy_port)
TIMEOUT_S = 20
MEBI = 1024 * 1024
BLOCK = bytes(range(251))


def pattern(length):
    return (BLOCK * (length // 251 + 1))[:length]


def sha(octets):
    return hashlib.sha256(octets).hexdigest()


def pieces(octets, size):
    for at in range(0, len(octets), size):
        yield octets[at:at + size]


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def field(self, name):
        return [value for each, value in self.headers if each.lower() == name]

    def json(self):
        return json.loads(self.body)


local = threading.local()


class HttpClient:
    """One kept-alive connection for each thread and authority."""
    unpacks = False

    def connection(self, authority):
        if not hasattr(local, 'connections'):
            local.connections = {}
        known = local.connections
        if authority not in known:
            known[authority] = http.client.HTTPConnection(proxy_host, proxy_port, timeout=TIMEOUT_S)
            if mode == 'connect':
                name, _, port = authority.partition(':')
                known[authority].set_tunnel(name, int(port or 80))
        return known[authority]

    def ask(self, path, method='GET', headers=None, body=None, authority=service, follow=False):
        connection = self.connection(authority)
        url = f'http://{authority}{path}' if mode == 'proxy' else path
        is_chunked = body is not None and not isinstance(body, bytes)
        all_headers = {'Host': authority, **(headers or {})}
        if is_chunked:
            all_headers['Transfer-Encoding'] = 'chunked'
        try:
            connection.request(method, url, body=body, headers=all_headers, encode_chunked=is_chunked)
        except (BrokenPipeError, ConnectionResetError):
            # The answer came before the body was sent: it can be read all the same.
            pass
        except OSError:
            connection.close()
            raise
        response = connection.getresponse()
        answer = Answer(response.status, response.getheaders(), response.read())
        if connection.sock is None:
            answer.port = None
        else:
            answer.port = connection.sock.getsockname()[1]
        if follow and 300 <= answer.status < 400:
            to = urllib.parse.urlsplit(answer.field('location')[0])
            return self.ask(f'{to.path}?{to.query}', method, headers, body, authority)
        return answer


class Urllib:
    """A connection for each request, as urllib does it."""

    def __init__(self):
        class Keep(urllib.request.HTTPRedirectHandler):
            def redirect_request(self, req, fp, code, msg, headers, newurl):
                return None
        proxies = [urllib.request.ProxyHandler({} if mode == 'host' else None)]
        self.following = urllib.request.build_opener(*proxies)
        self.plain = urllib.request.build_opener(*proxies, Keep())

    def ask(self, path, method='GET', headers=None, body=None, authority=service, follow=False):
        url = f'http://{outbound}{path}' if mode == 'host' else f'http://{authority}{path}'
        request = urllib.request.Request(url, data=body, headers=headers or {}, method=method)
        if mode == 'host':
            request.add_header('Host', authority)
        if body is not None and not request.has_header('Content-type'):
            request.add_header('Content-type', 'application/octet-stream')
        try:
            response = (self.following if follow else self.plain).open(request, timeout=TIMEOUT_S)
        except urllib.error.HTTPError as error:
            response = error
        with response:
            return Answer(response.status, response.getheaders() if hasattr(response, 'getheaders') else response.headers.items(), response.read())


class Requests:
    def __init__(self):
        import requests
        self.session = requests.Session()
        adapter = requests.adapters.HTTPAdapter(pool_connections=50, pool_maxsize=50)
        self.session.mount('http://', adapter)
        self.session.trust_env = mode != 'host'

    def ask(self, path, method='GET', headers=None, body=None, authority=service, follow=False):
        url = f'http://{outbound}{path}' if mode == 'host' else f'http://{authority}{path}'
        all_headers = dict(headers or {})
        if mode == 'host':
            all_headers['Host'] = authority
        response = self.session.request(method, url, data=body, headers=all_headers, allow_redirects=follow, stream=True, timeout=TIMEOUT_S)
        octets = response.raw.read(decode_content=False)
        return Answer(response.status_code, list(response.raw.headers.items()), octets)


class Aiohttp:
    """Its own event loop in a thread, so that the scenarios can be the same for all libraries."""

    def __init__(self):
        import aiohttp
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

        async def make():
            timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
            connector = aiohttp.TCPConnector(limit=50)
            return aiohttp.ClientSession(auto_decompress=False, timeout=timeout, connector=connector, trust_env=mode != 'host', max_field_size=65536)
        self.session = asyncio.run_coroutine_threadsafe(make(), self.loop).result()

    def ask(self, *args, **options):
        return asyncio.run_coroutine_threadsafe(self.send(*args, **options), self.loop).result()

    async def send(self, path, method='GET', headers=None, body=None, authority=service, follow=False):
        url = f'http://{outbound}{path}' if mode == 'host' else f'http://{authority}{path}'
        all_headers = dict(headers or {})
        if mode == 'host':
            all_headers['Host'] = authority
        if body is not None and not isinstance(body, bytes):
            parts = list(body)

            async def streamed():
                for part in parts:
                    yield part
            body = streamed()
        import yarl
        async with self.session.request(method, yarl.URL(url, encoded=True), data=body, headers=all_headers, allow_redirects=follow) as response:
            octets = await response.read()
            fields = [(name.decode('latin-1'), value.decode('latin-1')) for name, value in response.raw_headers]
            return Answer(response.status, fields, octets)


client = {'http.client': HttpClient, 'urllib': Urllib, 'requests': Requests, 'aiohttp': Aiohttp}[library]()
ask = client.ask


def told(answer):
    facts = answer.json()
    names = ('method', 'octets', 'sha', 'contentLength', 'transferEncoding')
    return {'status': answer.status, **{name: facts[name] for name in names}}


def keep_alive():
    good, ports = 0, set()
    for n in range(50):
        answer = ask(f'/echo?n={n}')
        good += answer.status == 200 and answer.json()['path'] == f'/echo?n={n}'
        ports.add(getattr(answer, 'port', None))
    return {'good': good, 'connections': len(ports)} if library == 'http.client' else {'good': good}


def parallel():
    with concurrent.futures.ThreadPoolExecutor(50) as threads:
        answers = list(threads.map(lambda n: ask(f'/echo?n={n}'), range(50)))
    return {'good': sum(answer.status == 200 and answer.json()['path'] == f'/echo?n={n}' for n, answer in enumerate(answers))}


def download(path, name):
    answer = ask(path)
    key = {'content-length': 'contentLength', 'transfer-encoding': 'transferEncoding'}[name]
    return {'status': answer.status, 'octets': len(answer.body), 'sha': sha(answer.body), key: answer.field(name)}


def head():
    answer = ask('/download?bytes=1000', 'HEAD')
    return {'status': answer.status, 'contentLength': answer.field('content-length'), 'octets': len(answer.body), 'next': ask('/echo').status}


def no_content():
    answer = ask('/204')
    return {'status': answer.status, 'kind': answer.field('x-kind'), 'octets': len(answer.body), 'next': ask('/echo').status}


def not_modified():
    answer = ask('/304', headers={'If-None-Match': '"one"'})
    return {'status': answer.status, 'etag': answer.field('etag'), 'octets': len(answer.body), 'next': ask('/echo').status}


def gzip():
    answer = ask('/gzip')
    return {'status': answer.status, 'encoding': answer.field('content-encoding'), 'isSame': sha(answer.body) == answer.field('x-packed-sha')[0]}


def redirect():
    to = urllib.parse.quote('/echo?moved' if mode == 'host' else f'http://{service}/echo?moved', safe='')
    answer = ask(f'/redirect?to={to}', follow=True)
    if library == 'urllib':
        # urllib follows 307 for GET alone.
        return {'status': answer.status, 'path': answer.json()['path']}
    kept = ask(f'/redirect?status=307&to={to}', 'POST', body=b'x' * 100, follow=True).json()
    return {'status': answer.status, 'path': answer.json()['path'], 'kept': kept['method'], 'octets': kept['octets']}


def cookies():
    answer = ask('/cookies')
    back = ask('/echo', headers={'Cookie': 'a=1; b=2'})
    return {'setCookie': answer.field('set-cookie'), 'cookie': back.json()['cookie']}


def latin1():
    answer = ask('/latin1')
    # aiohttp writes fields as UTF-8: what it sends is another value, and as opaque to the sidecar.
    sent = ask('/echo', headers={'X-Latin1': 'na\u00efve'}).json()['latin1']
    return {'received': answer.field('x-latin1')[0].encode('latin-1').hex(), 'sent': sent}


def long_url():
    path = '/echo?q=' + 'x' * 12_000
    answer = ask(path)
    return {'status': answer.status, 'isSame': answer.json()['path'] == path}


def refused(path='/echo', authority=service):
    answer = ask(path, authority=authority)
    return {'status': answer.status, 'proxyStatus': answer.field('proxy-status')}


def foreign():
    answer = ask('/echo?outside', authority=outside)
    return {'status': answer.status, 'path': answer.json()['path'], 'host': answer.json()['host']}


def early():
    return {'status': ask('/too-large', 'POST', body=pieces(pattern(2 * MEBI), 65_536)).status}


def raw(text, until_data):
    with socket.create_connection((proxy_host, proxy_port), TIMEOUT_S) as connection:
        connection.sendall(text.encode())
        if until_data:
            connection.recv(1)
        else:
            time.sleep(0.2)


def seen(name):
    for _ in range(100):
        events = ask(f'/seen?id={name}').json()
        if len(events) > 1:
            break
        time.sleep(0.05)
    return events


def disconnect():
    reading, sending = (f'{library}-{mode}-{service}-{os.getpid()}-{which}' for which in 'rw')
    raw(f'GET /endless?id={reading} HTTP/1.1\r\nhost: {service}\r\n\r\n', True)
    raw(f'POST /upload?id={sending} HTTP/1.1\r\nhost: {service}\r\ncontent-length: 1000\r\n\r\nonly this', False)
    return {'reading': seen(reading), 'sending': seen(sending)}


SCENARIOS = {
    'keep-alive': keep_alive,
    'parallel': parallel,
    'post-length': lambda: told(ask('/echo', 'POST', body=pattern(12_345))),
    'post-chunked': lambda: told(ask('/echo', 'POST', body=pieces(pattern(54_321), 1_000))),
    'put-empty': lambda: told(ask('/echo', 'PUT', body=b'')),
    'upload-large': lambda: told(ask('/echo', 'POST', body=pattern(10 * MEBI))),
    'download-large': lambda: download(f'/download?bytes={10 * MEBI}', 'content-length'),
    'download-chunked': lambda: download(f'/download?bytes={10 * MEBI}&chunked', 'transfer-encoding'),
    'head': head,
    '204': no_content,
    '304': not_modified,
    'gzip': gzip,
    'redirect': redirect,
    'cookies': cookies,
    'latin1': latin1,
    'long-url': long_url,
    'too-long-url': lambda: refused('/echo?q=' + 'x' * 20_000),
    'unknown-port': lambda: refused(authority=f'{service}:8123'),
    'no-endpoints': lambda: refused(authority='empty'),
    'outside': foreign,
    'early-response': early,
    'disconnect': disconnect,
}

for name, run in SCENARIOS.items():
    try:
        result = run()
    except Exception as error:  # noqa: BLE001 - the test shows it
        text = f'{type(error).__name__}: {error}'
        result = {'connect': 404} if 'Tunnel connection failed: 404' in text else {'failed': text}
    print(json.dumps({'library': library, 'mode': mode, 'service': service, 'name': name, **result}), flush=True)
os._exit(0)
