import assert from "node:assert/strict";

import { settingsFrom } from "../../scripts/lib/project.ts";

describe("The settings of the commands", () => {
  const encrypted = { secure: "v1:abc" };

  it("are those of the stack file over the defaults, as text or as YAML's own types", () => {
    const values = { "koa-blog:workers": 3, "koa-blog:replicas": "4", "koa-blog:logging": false, "pulumi:tags": {} };
    const { replicas, logging, namespace, ...rest } = settingsFrom(values);
    assert.deepEqual([replicas, logging, namespace], [4, false, "koa-blog"]);
    assert.ok(rest.target === "kind" && rest.workers === 3);
  });

  it("have placeholders for secrets, and are checked as in the program", () => {
    const existing = {
      "koa-blog:target": "existing",
      "koa-blog:kubeContext": "team",
      "koa-blog:registry": "registry.example.com",
      "koa-blog:registryUser": "me",
      "koa-blog:registryPassword": encrypted,
      "koa-blog:mysqlPassword": encrypted,
      "koa-blog:mysqlRootPassword": encrypted,
      "koa-blog:sessionKeys": encrypted,
      "koa-blog:elasticPassword": encrypted,
    };
    assert.equal(settingsFrom(existing).target, "existing");
    assert.throws(
      () => settingsFrom({ "koa-blog:mysqlPassword": "in plain text" }),
      /mysqlPassword: expected a secret, got plain text/,
    );
    assert.throws(() => settingsFrom({ "koa-blog:network": "koa-blog" }), /network: unknown setting\. Remove it with/);
  });

  it("are refused if an encrypted value is no secret, because the commands need it", () => {
    assert.throws(
      () => settingsFrom({ "koa-blog:mysqlUser": encrypted }),
      /mysqlUser: expected plain text, got a secret\. .*config set --plaintext mysqlUser VALUE/,
    );
  });
});
