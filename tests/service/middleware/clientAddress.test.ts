import assert from "node:assert/strict";

import { canonicalAddress, networkOf } from "../../../service/middleware/clientAddress.ts";
import { useBlog } from "../blog.ts";
import type { Client } from "../client.ts";

describe("An address", () => {
  for (const [canonical, ...spellings] of [
    [
      "203.0.113.7",
      " 203.0.113.7\t",
      "203.0.113.7:5001",
      "203.0.113.7:",
      "[203.0.113.7]",
      '"203.0.113.7:5001"',
      "::ffff:203.0.113.7",
      "::FFFF:203.0.113.7",
      "[::ffff:203.0.113.7]:5001",
      "::ffff:cb00:7107",
      "0:0:0:0:0:ffff:cb00:7107",
    ],
    [
      "2001:db8::1",
      "2001:DB8::1",
      "2001:0db8:0000:0000:0000:0000:0000:0001",
      "2001:db8:0:0::1",
      "[2001:db8::1]",
      "[2001:db8::1]:443",
      '"[2001:db8::1]:443"',
      "2001:db8:0:0:0:0:0:1:443",
    ],
    ["fe80::1", "fe80::1%eth0", "[fe80::1%eth0]:80", "fe80::1%25eth0"],
    ["0.0.0.0"],
    ["::1", "[::1]:80", "0:0:0:0:0:0:0:1"],
  ] as [string, ...string[]][]) {
    for (const spelling of [canonical, ...spellings]) {
      it(`written as ${JSON.stringify(spelling)} is ${canonical}`, () => {
        assert.equal(canonicalAddress(spelling), canonical);
      });
    }
  }

  for (const text of [
    "",
    "unknown",
    "_hidden",
    "example.com",
    "203.0.113",
    "203.0.113.256",
    "1:2:3",
    "[",
    "' OR 1=1",
  ]) {
    it(`is not in ${JSON.stringify(text)}`, () => {
      assert.equal(canonicalAddress(text), undefined);
    });
  }

  for (const [address, counted] of [
    ["127.0.0.1", "127.0.0.1"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2"],
    ["2001:db8:1:2:ffff::1", "2001:db8:1:2"],
    ["2001:db8:1:3::1", "2001:db8:1:3"],
    ["2001:db8::1", "2001:db8:0:0"],
    ["2001:0:2:3:4:5:6:7", "2001:0:2:3"],
    ["::1", "0:0:0:0"],
    ["fe80::1", "fe80:0:0:0"],
    ["", ""],
  ] as const) {
    it(`${address} counts as ${counted}`, () => {
      assert.equal(networkOf(address), counted);
    });
  }
});

describe("The reader's address", () => {
  const registrations = { REGISTRATIONS_PER_HOUR: 1 };

  /** Registers a user per X-Forwarded-For value, and returns which ones succeeded. */
  async function registered(client: Client, addresses: string[]): Promise<boolean[]> {
    const statuses: number[] = [];
    for (const [index, address] of addresses.entries()) {
      const user = { username: `user ${String(index)}`, password: "x" };
      const { status } = await client.post("/auth/register", user, { headers: { "x-forwarded-for": address } });
      statuses.push(status);
    }
    return statuses.map((status) => status === 302);
  }

  describe("without a proxy", () => {
    const suite = useBlog(registrations);

    it("is the connection's own, whatever they write", async () => {
      assert.deepEqual(await registered(suite.client, ["192.0.2.1", "192.0.2.2"]), [true, false]);
    });
  });

  describe("behind a proxy", () => {
    const suite = useBlog({ ...registrations, TRUSTED_PROXIES: 1 });

    it("is what the proxy adds, whatever they write", async () => {
      assert.deepEqual(await registered(suite.client, ["192.0.2.1", "192.0.2.2"]), [true, true]);
    });

    it("is not what they write before the proxy adds it", async () => {
      const addresses = ["198.51.100.1, 192.0.2.3", "198.51.100.2,192.0.2.3"];
      assert.deepEqual(await registered(suite.client, addresses), [true, false]);
    });

    it("is the connection's own, if the proxy adds none", async () => {
      assert.deepEqual(await registered(suite.client, ["", "", "unknown", "1.2.3.4,"]), [true, false, false, false]);
    });

    it("is one, however the proxy writes it", async () => {
      const addresses = ["203.0.113.7:5001", "203.0.113.7:5002", "::ffff:203.0.113.7", "10.0.0.1 ,  203.0.113.7 "];
      assert.deepEqual(await registered(suite.client, addresses), [true, false, false, false]);
    });

    it("counts with its IPv6 network", async () => {
      const addresses = ["[2001:db8::1]:443", "2001:db8::2", "2001:DB8:0:0:ffff::3", "2001:db8:0:1::1"];
      assert.deepEqual(await registered(suite.client, addresses), [true, false, false, true]);
    });
  });

  describe("behind two proxies", () => {
    const suite = useBlog({ ...registrations, TRUSTED_PROXIES: 2 });

    it("is what the first one adds", async () => {
      const addresses = ["192.0.2.1, 10.0.0.1", "198.51.100.1, 192.0.2.1:80, 10.0.0.2", "192.0.2.2, 10.0.0.1"];
      assert.deepEqual(await registered(suite.client, addresses), [true, false, true]);
    });
  });
});
