import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";

import * as pulumi from "@pulumi/pulumi";
import { parse } from "yaml";

import { configDefaults } from "../scripts/lib/project.ts";
import { parseSettings, secretKeys, settingKeys } from "../settings.ts";
import { runProgram } from "./components/program.ts";
import { temporaryFolder } from "./temporaryFolder.ts";

type Values = Record<string, string>;

const defaults = Object.fromEntries(Object.entries(configDefaults()).map(([key, value]) => [key, String(value)]));
const existing = { target: "existing", kubeContext: "team", registry: "registry.example.com/team" };
const managed = { ...existing, mysqlHost: "mysql.example.com:3307", mysqlPassword: "a managed password" };
const ingress = { ...existing, expose: "Ingress", ingressHost: "blog.example.com" };
const digest = `@sha256:${"0".repeat(64)}`;

const accept = (values: Values) => parseSettings({ ...defaults, ...values }, () => true);

function refusal(values: Values, isSecret = true): string {
  try {
    parseSettings({ ...defaults, ...values }, () => isSecret);
  } catch (error) {
    return (error as Error).message;
  }
  assert.fail(`${JSON.stringify(values)} was accepted`);
}

describe("The settings", () => {
  it("are declared in Pulumi.yaml: each key with a type, a description and a default", () => {
    const { config } = parse(readFileSync("Pulumi.yaml", "utf8")) as {
      config: Record<string, { type: string; description: string; default: unknown }>;
    };
    assert.deepEqual(Object.keys(config).sort(), settingKeys.toSorted());
    for (const [key, { type, description, default: value }] of Object.entries(config)) {
      assert.equal(type, typeof value === "number" ? "integer" : typeof value, key);
      assert.ok(description.length > 10, key);
    }
  });

  const image = "an image reference with a tag other than latest";
  const wrong: [values: Values, expected: string][] = [
    [{ target: "docker" }, "kind or existing"],
    [{ hostPort: "0" }, "a whole number from 1 to 65535"],
    [{ replicas: "1.5" }, "a whole number from 1 to 20"],
    [{ mysqlImage: "mysql" }, image],
    [{ mysqlImage: `mysql:latest${digest}` }, image],
    [{ clusterName: "a'; rm -rf ~; '" }, "up to 42 lower-case letters, digits, dots and hyphens"],
    [{ namespace: "koa_blog" }, "lower-case letters, digits and hyphens"],
    [{ listenAddress: "localhost" }, "an IP address, such as 127.0.0.1"],
    [{ logLevel: "verbose" }, "trace, debug, info, warn, error or fatal"],
    [{ secureCookies: "yes" }, "true or false"],
    [{ mysqlStorage: "1GB" }, "a size such as 512Mi or 1Gi"],
    [{ mysqlDatabase: "koa-blog" }, "up to 64 letters, digits and underscores"],
    [{ mysqlUser: "root" }, "up to 32 letters, digits and underscores, other than root"],
    [{ origin: "https://blog.example.com/" }, "an origin, such as https://blog.example.com"],
    [{ registryPort: "30601" }, "another port than hostPort and kibanaPort"],
    [{ kibanaPort: "30423" }, "another port than hostPort"],
    [{ loggingNamespace: "koa-blog" }, "another namespace than the blog's"],
    [{ nodePort: "30424" }, "30423, because target is kind. hostPort is the port of this machine"],
    [{ expose: "LoadBalancer" }, "NodePort, because target is kind"],
    [{ mysqlHost: "mysql" }, "nothing, because target is kind"],
    [{ kubeContext: "", ...{ target: "existing", registry: "localhost" } }, "the context of the cluster to deploy to"],
    [{ registry: "registry.example.com/team:1", ...{ target: "existing", kubeContext: "team" } }, "a registry that"],
    [{ registryPassword: "", ...existing, registryUser: "me" }, "the password of registryUser"],
    [{ ingressHost: "", ...existing, expose: "Ingress" }, "the host name of the blog for browsers"],
    [{ ingressTlsSecret: "blog-tls", ...existing }, "nothing unless expose is Ingress"],
    [{ ingressAnnotations: '{"a": 1}', ...ingress }, "a JSON object"],
    [{ mysqlPassword: "", ...existing, mysqlHost: "mysql.example.com" }, "the password of mysqlUser"],
    [{ mysqlCa: "package.json", ...managed }, "the path of a readable PEM file with certificates (none in"],
    [{ maxReplicas: "2", ...existing, replicas: "3" }, "replicas or more"],
    [{ imagePlatform: "arm64", ...existing }, "a platform, such as linux/amd64"],
  ];
  for (const [values, expected] of wrong) {
    const [[key, value] = ["", ""]] = Object.entries(values);
    it(`refuse ${key} ${JSON.stringify(value)}, and name the expectation, the value and the command`, () => {
      const message = refusal(values);
      assert.ok(message.includes(`${key}: expected ${expected}`), message);
      assert.ok(message.includes(`, got ${value === "" ? "nothing" : JSON.stringify(value)}. `), message);
      const command = expected.startsWith("nothing") ? `rm ${key}` : `set (${key} VALUE|--secret ${key})`;
      assert.match(message, new RegExp(`${key}: .*(Set|Remove) it with "npm run pulumi -- config ${command}"\\.`));
    });
  }

  it("refuse an unknown key, list the known ones, and report all wrong keys at once", () => {
    const message = refusal({ replica: "3", hostPort: "0", workers: "10" });
    assert.match(message, /replica: unknown setting\. Remove it with "npm run pulumi -- config rm replica"\./);
    for (const key of settingKeys) assert.ok(message.includes(key), key);
    assert.equal(message.split("\n").length, 4, message);
  });

  it("refuse a secret in plain text, or one that is too short, without repeating it", () => {
    for (const key of secretKeys) {
      const value = "a-value-of-more-than-32-characters-1234";
      const message = refusal({ ...existing, [key]: value }, false);
      assert.match(message, new RegExp(`${key}: expected a secret, got plain text`));
      assert.ok(!message.includes(value));
      // The registry's owner chooses this password, so any length is valid.
      if (key === "registryPassword") continue;
      const short = refusal({ [key]: "hunter2" });
      assert.match(short, new RegExp(`${key}: expected (8 to 256|keys of 32) .*, got another value`));
      assert.ok(!short.includes("hunter2"));
    }
    // The MySQL image inserts root's password into SQL without escaping.
    assert.match(refusal({ mysqlRootPassword: "it's a password" }), /mysqlRootPassword: expected .* without quotes/);
  });

  it("take only the certificates from the file of a managed MySQL's CA", () => {
    const file = join(temporaryFolder(), "bundle.pem");
    const certificate = "-----BEGIN CERTIFICATE-----\nMII=\n-----END CERTIFICATE-----\n";
    const key = "-----BEGIN PRIVATE KEY-----\nMII=\n-----END PRIVATE KEY-----\n";
    writeFileSync(file, `# of a provider\r\n${certificate.replaceAll("\n", "\r\n")}${key}${certificate}`);
    for (const mysqlCa of [file, relative(process.cwd(), file)]) {
      assert.equal(accept({ ...managed, mysqlCa }).mysqlCa, certificate.repeat(2));
    }
  });

  it("accept the example of an existing cluster, with all of its commented lines", () => {
    const text = readFileSync("Pulumi.existing.yaml.example", "utf8").replaceAll(/^( *)# (koa-blog:)/gm, "$1$2");
    const { config } = parse(text, { uniqueKeys: false }) as { config: Record<string, unknown> };
    const own = Object.entries(config).filter(([key]) => key.startsWith("koa-blog:"));
    const values = Object.fromEntries(own.map(([key, value]) => [key.slice("koa-blog:".length), String(value)]));
    assert.ok(own.length > 10);
    accept({ ...values, registryPassword: "given", mysqlPassword: "given too" });
  });

  it("stop the program with one message and without a stack trace, if they are wrong", async () => {
    await assert.rejects(runProgram({ workers: "many" }), (error: Error) => {
      assert.match(error.message, /workers: expected a whole number from 0 to 9, got "many"/);
      // Pulumi takes half a minute to colour a stack trace.
      assert.deepEqual([pulumi.RunError.isInstance(error), error.stack], [true, ""]);
      return true;
    });
  });
});
