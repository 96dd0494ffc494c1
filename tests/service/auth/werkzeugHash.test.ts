import assert from "node:assert/strict";

import { hashPassword, isOutdated, verifyPassword } from "../../../service/auth/werkzeugHash.ts";

/** Output of `generate_password_hash` of Werkzeug 3.1.9. */
const fromWerkzeug = [
  [
    "pässword 🐟",
    "scrypt:32768:8:1$b9FetmjE0xkcmvlK$704af7311b1bcb48e69aba46b194dabbecb7e74e0eaf815bf98f83218b1e991671ba5dfc2446cd894da411d0d93814cb537f9c3a40255d147d7295dbec830cca",
  ],
  [
    "correct horse",
    "scrypt:16384:8:2$ziuIy1n96lnBIkJX$cc123799d6ea3e532d77424e3779a7dcef81db0a38b81f60e8cf7b3cbf80f65f0abd2d943a31ed17c7331f13b158ef3b3d27d843e8337896121891e7f6cde7bd",
  ],
  [
    "pässword 🐟",
    "pbkdf2:sha512:1000$HDLw66Jh0ksGwq9r$417cbec5e31118bea3a72d5db6be344a53949e50bdc48350fbfaa484138d9e472ef6ca4bd473c177e5848f84da8625c3a566b3509defe94005b79763de2fb106",
  ],
  ["correct horse", "pbkdf2:sha1:1000$Cn2d040url6hx23y$6b24c94b4fcf2672bbe97d3e342767d27d2a17eb"],
] as const;

describe("Password hashes", () => {
  it("of Werkzeug verify their own password only, and new ones have Werkzeug's format and a new salt", async () => {
    const [first, second] = await Promise.all([hashPassword("new"), hashPassword("new")]);
    assert.match(first, /^scrypt:32768:8:1\$[A-Za-z0-9]{16}\$[0-9a-f]{128}$/);
    assert.notEqual(first.split("$")[1], second.split("$")[1]);
    for (const [password, hash] of [...fromWerkzeug, ["new", first]] as const) {
      assert.equal(await verifyPassword(password, hash), true, hash);
      assert.equal(await verifyPassword(`${password} `, hash), false, hash);
      assert.equal(isOutdated(hash), !hash.startsWith("scrypt:32768:8:1$"), hash);
    }
  });

  it("of other formats, or with a huge cost, verify no password, and take no time", async () => {
    const key = "ab".repeat(64);
    const start = performance.now();
    for (const stored of [
      "",
      `scrypt:32768:8:1$$${key}`,
      `argon2:1$salt$${key}`,
      `pbkdf2:sha256:999999999$salt$${key}`,
      `scrypt:8388608:8:1$salt$${key}`,
      `scrypt:32768:8:1000$salt$${key}`,
      `scrypt:32767:8:1$salt$${key}`,
    ]) {
      assert.equal(await verifyPassword("test", stored), false, stored);
    }
    assert.ok(performance.now() - start < 1000, "each of the huge costs takes minutes");
  });
});
