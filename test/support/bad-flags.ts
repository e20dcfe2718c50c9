/** What an operator reads of it. */
export const MUST_BE_ADDRESS = 'must be HOST:PORT, such as 127.0.0.1:15080 or [::1]:0'
/** What an operator reads of it. */
export const MUST_BE_DURATION = 'must be a duration, such as 500ms, 10s or 1m30s'
const MUST_BE_URL = 'must be a URL with http or https, such as http://127.0.0.1:15080'
const MUST_BE_MAP = 'must be K=V, several separated by commas, such as version=v2,zone=a'
const MUST_BE_NAME = 'must be lower-case letters, digits and hyphens, at most 63'

/** Every way to get a flag wrong, and what the operator reads. */
export const BAD_FLAGS: readonly (readonly [words: string[], message: string])[] = [
  [['--servce', 'a'], 'unknown flag --servce; did you mean --service?'],
  [['--drain_timeout=1s'], 'unknown flag --drain_timeout; did you mean --drain-timeout?'],
  [['--qqqqqq'], 'unknown flag --qqqqqq; `outrider proxy --help` lists them'],
  [['-z'], 'unknown flag -z; short flags of `outrider proxy`: -o, -f, -H, -h'],
  [['--app'], '--app needs a value'],
  [['--app', '--insecure'], '--app needs a value'],
  [['-f'], '-f needs a value'],
  [['--app', '127.0.0.1'], `--app: "127.0.0.1" is not allowed; ${MUST_BE_ADDRESS}`],
  [['--app', ':8080'], `--app: ":8080" is not allowed; ${MUST_BE_ADDRESS}`],
  [['--app', '8080'], `--app: "8080" is not allowed; ${MUST_BE_ADDRESS}`],
  [['--app', '127.0.0.1:65536'], `--app: "127.0.0.1:65536" is not allowed; ${MUST_BE_ADDRESS}`],
  [['--app', '127.0.0.1:-1'], `--app: "127.0.0.1:-1" is not allowed; ${MUST_BE_ADDRESS}`],
  [['--app', '::1:80'], `--app: "::1:80" is not allowed; ${MUST_BE_ADDRESS}`],
  [['--app', 'http://a:80'], `--app: "http://a:80" is not allowed; ${MUST_BE_ADDRESS}`],
  [['--app='], `--app: "" is not allowed; ${MUST_BE_ADDRESS}`],
  [['--drain-timeout', '30'], `--drain-timeout: "30" is not allowed; ${MUST_BE_DURATION}`],
  [['--drain-timeout', '1.5s'], `--drain-timeout: "1.5s" is not allowed; ${MUST_BE_DURATION}`],
  [['--drain-timeout', '-1s'], `--drain-timeout: "-1s" is not allowed; ${MUST_BE_DURATION}`],
  [['--drain-timeout', '1 s'], `--drain-timeout: "1 s" is not allowed; ${MUST_BE_DURATION}`],
  [['--otlp', '127.0.0.1:4317'], `--otlp: "127.0.0.1:4317" is not allowed; ${MUST_BE_URL}`],
  [['--otlp', 'ftp://a'], `--otlp: "ftp://a" is not allowed; ${MUST_BE_URL}`],
  [['--otlp', 'http://'], `--otlp: "http://" is not allowed; ${MUST_BE_URL}`],
  [['--labels', 'version'], `--labels: "version" is not allowed; ${MUST_BE_MAP}`],
  [['--labels', 'a=1,a=2'], `--labels: "a=1,a=2" is not allowed; ${MUST_BE_MAP}`],
  [['--labels', '=v'], `--labels: "=v" is not allowed; ${MUST_BE_MAP}`],
  [['--service', 'Orders'], `--service: "Orders" is not allowed; ${MUST_BE_NAME}`],
  [['--service', 'a.b'], `--service: "a.b" is not allowed; ${MUST_BE_NAME}`],
  [['--service', '-a'], `--service: "-a" is not allowed; ${MUST_BE_NAME}`],
  [['--port', '0'], '--port: "0" is not allowed; must be a whole number from 1 to 65535'],
  [['--port', '80.5'], '--port: "80.5" is not allowed; must be a whole number from 1 to 65535'],
  [['--port', '0x50'], '--port: "0x50" is not allowed; must be a whole number from 1 to 65535'],
  [['-o', 'xml'], '--output: "xml" is not allowed; must be one of table, json'],
  [['-oxml'], '--output: "xml" is not allowed; must be one of table, json'],
  [['--insecure=maybe'], '--insecure: "maybe" is not allowed; must be true or false'],
  [['--hosts', 'a,,b'], '--hosts: "a,,b" is not allowed; must be names separated by commas'],
  [['--file='], '--file: "" is not allowed; must be a path of a file or folder'],
  [['--port', '1', '--port', '2'], '--port is given twice: "1" and "2"'],
  [['a', 'b'], 'unexpected argument "b"'],
  [['--', 'node'], 'nothing may come after --, but "node" does'],
]
