import assert from "node:assert/strict";

import { networkOf } from "../../../service/auth/rateLimits.ts";
import { useBlog } from "../blog.ts";

describe("The client's address", () => {
  const suite = useBlog();

  // Rows of one table are the same address for the limit of registrations, except those with an exclamation mark.
  for (const [what, TRUSTED_PROXIES, table] of [
    ["is the connection's without a proxy", 0, ["192.0.2.1", "192.0.2.2"]],
    ["is what a trusted proxy adds", 1, ["192.0.2.1", "!192.0.2.2", "198.51.100.1, 192.0.2.1", "::ffff:192.0.2.1"]],
    ["is without the port that a proxy adds", 1, ["203.0.113.7:5001", "203.0.113.7:5002", "203.0.113.7"]],
    ["is the connection's if the proxy sends none", 1, ["", "unknown", "1.2.3.4,"]],
    ["counts as its IPv6 network", 1, ["[2001:db8::1]:443", "2001:db8::2", "2001:db8:0:0:f::3", "!2001:db8:0:1::1"]],
    [
      "is what the first of two proxies adds",
      2,
      ["192.0.2.1, 10.0.0.1", "x, 192.0.2.1, 10.0.0.2", "!192.0.2.2, 10.0.0.1"],
    ],
  ] as const) {
    it(what, async () => {
      const client = (await suite.startAnother({ REGISTRATIONS_PER_HOUR: 1, TRUSTED_PROXIES })).client();
      for (const [i, row] of table.entries()) {
        const headers = { "X-Forwarded-For": row.replace("!", "") };
        const user = { username: `user ${String(i)}`, password: "x" };
        const { status } = await client.post("/auth/register", user, { headers });
        assert.equal(status, i === 0 || row.startsWith("!") ? 302 : 429, row);
      }
    });
  }

  for (const [address, network] of [
    ["127.0.0.1", "127.0.0.1"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2"],
    ["2001:db8:1:2:ffff::1", "2001:db8:1:2"],
    ["2001:db8::1", "2001:db8:0:0"],
    ["::1", "0:0:0:0"],
    ["fe80::1", "fe80:0:0:0"],
    ["", ""],
  ] as const) {
    it(`networkOf("${address}") is "${network}"`, () => {
      assert.equal(networkOf(address), network);
    });
  }
});
