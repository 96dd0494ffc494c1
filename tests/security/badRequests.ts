import type { Random } from "./random.ts";

/** The sender of well-formed requests, with a session and a CSRF token. */
export interface Sender {
  cookie: string;
  token: string;
  origin: string;
  /** Id of a post by the sender. */
  postId: number;
}

const words = (text: string) => text.trim().split(/\s+/);
const lines = (text: string) => text.trim().split(/\n\s*/);

/** Values for a form body, some of them percent-encoded. */
const values = [
  "",
  "x",
  ...lines(`
    %00
    a%00b
    %ff%fe
    %ed%a0%80
    %ed%b0%80%ed%a0%80
    %f4%90%80%80
    %c0%ae
    %
    %zz
    %u0041
    +
    %0d%0aSet-Cookie:%20a=b
    %e2%80%ae%e2%80%8b%ef%bb%bf
    %F0%9F%90%9F
    '
    ' OR '1'='1
    '; DROP TABLE post; --
    1 UNION SELECT 1,2,3
    %5c'
    {{7*7}}
    {{ constructor.constructor('return process')().exit() }}
    {% include "/etc/passwd" %}
    %7B%25 for i in range(1000000000) %25%7D
    \${process.exit()}
    <script>alert(1)</script>
    </textarea><img src=x onerror=alert(1)>
    ../../etc/passwd
    __proto__
    constructor
    NaN
    -1
    1e309
    9007199254740993
    null
    true
    []
    {"$gt":""}`),
  "x".repeat(300),
  "%F0%9F%90%9F".repeat(8000),
  "'".repeat(20_000),
  "<".repeat(16_001),
  "{{".repeat(8000),
  "%0d%0a".repeat(16_000),
  "x".repeat(300_000),
];

const ids = words(`
  0 -1 1.5 01 1e3 0x1 NaN null 999999999 2147483648 9999999999 99999999999999999999 1%00 1%27 %31 %ff %ed%a0%80 %2e%2e
  1%2F..%2F1 __proto__ constructor toString %7B%7B7*7%7D%7D 1;drop 1,2 %F0%9F%90%9F %EF%BC%91 ${"9".repeat(2000)}`);

const cursors = words(`
  %00 ' 1 2018-01-01 2018-01-01T00:00:00_0 2018-01-01T00:00:00_99999999999 2018-02-31T00:00:00_1 0000-00-00T00:00:00_1
  9999-12-31T23:59:59_1 0001-01-01T00:00:00.999999_1 2018-01-01T00:00:00_1'-- 2018-01-01T24:00:00_1 -1 %ff %ed%a0%80
  2018-01-01T00:00:00_1&before=x [] {} 2038-01-19T03:14:08_1 1969-12-31T23:59:59_1 ${"2".repeat(3000)}`);

/** A form field, usually once. */
function field(random: Random, name: string): string {
  const value = () => random.pick(values).replaceAll(/[&#]/g, "");
  switch (random.below(30)) {
    case 0:
      return "";
    case 1:
      return `${name}=${value()}&${name}=${value()}`;
    case 2:
      return `${name}[]=${value()}`;
    case 3:
      return `${name}[${random.pick(["a", "0", "__proto__", "constructor", "length", "99999999"])}]=${value()}`;
    case 4:
      return `${name}.a=${value()}`;
    case 5:
      return name;
    default:
      return `${name}=${value()}`;
  }
}

/** A well-formed request with a valid session and token, and hostile content. */
export function hostileRequest(random: Random, { cookie, token, origin, postId }: Sender): Buffer {
  const own = String(postId);
  const [path, ...names] = random.pick([
    ["/create", "title", "body"],
    ["/create", "title", "body"],
    [`/${own}/update`, "title", "body"],
    [`/${own}/update`, "title", "body"],
    ["/1/update", "title", "body"],
    ["/1/delete"],
    [`/${random.pick(ids)}/update`, "title", "body"],
    [`/${random.pick(ids)}/delete`],
    ["/auth/login", "username", "password"],
    ["/auth/register", "username", "password"],
  ]) as [string, ...string[]];
  const head = (method: string, target: string) =>
    [`${method} ${target} HTTP/1.1`, `Host: ${new URL(origin).host}`, `Cookie: ${cookie}`, "Connection: close"].join(
      "\r\n",
    );
  if (random.below(5) === 0) {
    const target = random.pick([
      `/?before=${random.pick(cursors)}`,
      `/?before=${random.pick(cursors)}&before[]=${random.pick(cursors)}`,
      `/${random.pick(ids)}/update`,
      `/static/${random.pick(ids)}`,
      `/${own}/update?title=${random.pick(ids)}`,
    ]);
    return Buffer.from(`${head(random.pick(["GET", "HEAD"]), target)}\r\n\r\n`, "latin1");
  }
  const more = random.below(4) === 0 ? ["author_id=1", "id=1", "created=0"] : [];
  const fields = [...names.map((name) => field(random, name)), ...more, `_csrf=${encodeURIComponent(token)}`];
  const body = Buffer.from(fields.filter((text) => text !== "").join("&"), "latin1");
  const headers = `Origin: ${origin}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${String(body.length)}`;
  return Buffer.concat([Buffer.from(`${head("POST", path)}\r\n${headers}\r\n\r\n`, "latin1"), body]);
}

const methods = words(
  "GET GET GET GET POST POST POST POST HEAD PUT DELETE PATCH OPTIONS TRACE CONNECT PROPFIND get G\0T",
);

const paths = [
  ...words(`
    / /auth/login /auth/register /auth/logout /create /1/update /1/delete /hello /healthz /readyz /static/style.css
    /0/update /-1/update /99999999999999999999/update /1e3/delete /1%00/update /NaN/delete
    /% /%ff /%2e%2e/%2e%2e/etc/passwd /../../etc/passwd /static/../server.ts /static/%2e%2e%2fserver.ts
    //evil.example /\\evil.example /static/__proto__ /constructor /?before=%00 /?before=1,2,3 /?before=x'--
    * http://evil.example/ evil.example:443 /é /\u0001`),
  "/" + "a".repeat(20_000),
];

const headers = [
  ...lines(`
    Cookie: session=; session.sig=
    Cookie: %zz=%
    Cookie: =
    Cookie: __proto__=1
    Content-Type: application/json
    Content-Type: text/plain
    Content-Type: multipart/form-data; boundary=
    Content-Type: ;
    Content-Encoding: gzip
    Content-Encoding: br
    Content-Encoding: nonsense
    Transfer-Encoding: identity, chunked
    Content-Length: -1
    Content-Length: 1e9
    Content-Length: 99999999999
    Content-Length: 0x10
    Expect: 100-continue
    Origin: null
    Origin: http://evil.example
    Origin: %
    Sec-Fetch-Site: cross-site
    X-Forwarded-For: ' OR 1=1 --
    X-Request-Id: <script>
    Accept: */*;q=NaN
    Range: bytes=0-0,-1
    If-None-Match: "
    If-None-Match: *
    If-Modified-Since: never
    Host: a, b
    Host: [::1
    Upgrade: websocket\r\nConnection: Upgrade
    Connection: keep-alive, close
    Authorization: Basic \xff\xfe
    : no name
    Name with space: 1
    Multi: 1\r\n  folded`),
  "Tab\t: 1",
  "Cookie: session=" + "x".repeat(3000),
  "X-Request-Id: " + "y".repeat(5000),
  "A".repeat(9000) + ": 1",
];

const bodies = [
  "",
  ...lines(`
    username=a&password=b
    username=a&username=b&password[]=c
    username[__proto__][x]=1&password=b
    %
    %00=%00&%ff=%fe
    _csrf=&_csrf=
    {"username":{"$ne":1}}
    =&=&=
    username=%27%20OR%20%271%27=%271&password=x`),
  "title=" + "%F0%9F%90%9F".repeat(5000),
  "a=".repeat(5000),
  "&".repeat(10_000),
  "x".repeat(300_000),
  "[".repeat(2000),
  "a[".repeat(500) + "=1",
];

/** A request with a malformed method, URL, header or length. */
export function brokenRequest(random: Random): Buffer {
  const body = random.below(8) === 0 ? random.bytes(random.below(2000)) : Buffer.from(random.pick(bodies), "latin1");
  const oneIn = (count: number) => random.below(count) === 0;
  const version = oneIn(20) ? random.pick(["1.0", "2.0", "9"]) : "1.1";
  const length = body.length + (oneIn(10) ? random.pick([-1, 1]) : 0);
  const head = [
    `${random.pick(methods)} ${random.pick(paths)} HTTP/${version}`,
    ...(oneIn(20) ? [] : ["Host: localhost"]),
    ...(oneIn(4) ? [] : ["Content-Type: application/x-www-form-urlencoded"]),
    ...(oneIn(10) ? [] : [`Content-Length: ${String(length)}`]),
    ...Array.from({ length: random.below(3) }, () => random.pick(headers)),
  ].join(oneIn(30) ? "\n" : "\r\n");
  const whole = Buffer.concat([Buffer.from(`${head}\r\n\r\n`, "latin1"), body]);
  // Some requests are truncated, others have flipped bytes.
  if (oneIn(20)) return whole.subarray(0, random.below(whole.length));
  if (oneIn(10)) for (let i = 0; i < 5; i += 1) whole[random.below(whole.length)] = random.below(256);
  return whole;
}
