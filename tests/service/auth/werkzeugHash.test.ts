import assert from "node:assert/strict";

import { hashPassword, isOutdated, unknownUserHash, verifyPassword } from "../../../service/auth/werkzeugHash.ts";

/** Output of `generate_password_hash` of Werkzeug 3.1.9. The first two are from Flask's tests/data.sql. */
const fromWerkzeug = [
  ["test", "pbkdf2:sha256:50000$TCI4GzcX$0de171a4f4dac32e3364c7ddc7c14f3e2fa61f2d17574483f7ffbb431b4acb2f"],
  ["other", "pbkdf2:sha256:50000$kJPKsz6N$d2d4784f1b030a9761f5ccaeeaca413f27f2ecb76d6168407af962ddce849f79"],
  [
    "correct horse",
    "scrypt:32768:8:1$XdllGCXK8RaanI9D$0bf54366313d4ec94d13696b4ca974acad9b06d1d7c5ce87994d840329ebd9875be917a3f7b0ffc1e6135b3911268ad15a66ef9787b5f9bac38601c8f4d78d5f",
  ],
  [
    "pässword 🐟",
    "scrypt:32768:8:1$b9FetmjE0xkcmvlK$704af7311b1bcb48e69aba46b194dabbecb7e74e0eaf815bf98f83218b1e991671ba5dfc2446cd894da411d0d93814cb537f9c3a40255d147d7295dbec830cca",
  ],
  [
    "correct horse",
    "scrypt:16384:8:2$ziuIy1n96lnBIkJX$cc123799d6ea3e532d77424e3779a7dcef81db0a38b81f60e8cf7b3cbf80f65f0abd2d943a31ed17c7331f13b158ef3b3d27d843e8337896121891e7f6cde7bd",
  ],
  [
    "correct horse",
    "pbkdf2:sha256:1000000$UwpuH65DpGvBBtvs$9dd37b545f8cac2461ac22626c933bcd4f2f07cda234982c08c93a3055bceedd",
  ],
  [
    "pässword 🐟",
    "pbkdf2:sha512:1000$HDLw66Jh0ksGwq9r$417cbec5e31118bea3a72d5db6be344a53949e50bdc48350fbfaa484138d9e472ef6ca4bd473c177e5848f84da8625c3a566b3509defe94005b79763de2fb106",
  ],
  ["correct horse", "pbkdf2:sha1:1000$Cn2d040url6hx23y$6b24c94b4fcf2672bbe97d3e342767d27d2a17eb"],
] as const;

/** Output of `hashPassword` that `werkzeug.security.check_password_hash` of Werkzeug 3.1.9 accepts. */
const acceptedByWerkzeug = [
  [
    "correct horse",
    "scrypt:32768:8:1$LgOVs6wj6ma2FwrF$2d1d179222fc8e3f2c8825463b82dc114db54d876fab03a870b51e68beb1bb1ffb400ea38484c147bb357967276243b2a32ab769ab710a3e01a9d91bffe6a7cd",
  ],
  [
    "pässword 🐟",
    "scrypt:32768:8:1$ZA1rFq1WTzLG9hN8$d6e6b241e458115f52e2d3d47da16f08e9353668e1607107411e467ad9597cc90c6df286efcb6398c881e171995fed3698b152d6b4945eb563181b0840fd11c4",
  ],
] as const;

describe("Password hashes", () => {
  for (const [password, hash] of [...fromWerkzeug, ...acceptedByWerkzeug]) {
    it(`${hash.split("$", 1).join()} verifies “${password}” and no other password`, async () => {
      assert.equal(await verifyPassword(password, hash), true);
      assert.equal(await verifyPassword(`${password} `, hash), false);
    });
  }

  it("hashPassword writes Werkzeug's format with a new salt", async () => {
    const [first, second] = await Promise.all([hashPassword("pässword 🐟"), hashPassword("pässword 🐟")]);
    assert.match(first, /^scrypt:32768:8:1\$[A-Za-z0-9]{16}\$[0-9a-f]{128}$/);
    assert.notEqual(first.split("$")[1], second.split("$")[1]);
    assert.equal(await verifyPassword("pässword 🐟", first), true);
  });

  it("isOutdated is true for every other method and cost", async () => {
    assert.equal(isOutdated(await hashPassword("x")), false);
    for (const [, hash] of fromWerkzeug) assert.equal(isOutdated(hash), !hash.startsWith("scrypt:32768:8:1$"), hash);
  });

  const key = "ab".repeat(64);
  for (const [what, stored] of [
    ["is empty", ""],
    ["is plain text", "test"],
    ["has no salt", `scrypt:32768:8:1$$${key}`],
    ["has a part too many", `scrypt:32768:8:1$salt$${key}$`],
    ["has no hexadecimal key", "scrypt:32768:8:1$salt$xyz"],
    ["has an empty key", "scrypt:32768:8:1$salt$"],
    ["names an unknown method", `argon2:1$salt$${key}`],
    ["names an unknown digest", `pbkdf2:nonsense:1000$salt$${key}`],
    ["asks for no iterations", `pbkdf2:sha256:0$salt$${key}`],
    ["asks for iterations without end", `pbkdf2:sha256:999999999$salt$${key}`],
    ["asks for 8 GiB of memory", `scrypt:8388608:8:1$salt$${key}`],
    ["asks for much parallel work", `scrypt:32768:8:1000$salt$${key}`],
    ["has a cost that is no power of two", `scrypt:32767:8:1$salt$${key}`],
    ["has a cost of 1", `scrypt:1:8:1$salt$${key}`],
    ["has negative parameters", `scrypt:-32768:8:1$salt$${key}`],
  ] as const) {
    it(`verifyPassword is false, at once, if the stored text ${what}`, async () => {
      const start = performance.now();
      assert.equal(await verifyPassword("test", stored), false);
      // These parameters would take minutes.
      assert.ok(performance.now() - start < 1000);
    });
  }

  it("unknownUserHash has the format of a real hash, but no password", async () => {
    const [, parameters, , key] = /^(scrypt:32768:8:1)\$(.{16})\$([0-9a-f]{128})$/.exec(unknownUserHash) ?? [];
    assert.ok(parameters && key);
    assert.equal(await verifyPassword("", unknownUserHash), false);
  });
});
