import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";

import * as pulumi from "@pulumi/pulumi";
import { parse } from "yaml";

import { loadConfig } from "../config.ts";
import { configDefaults } from "../scripts/lib/project.ts";
import { blogUrl, parseSettings, secretKeys, settingKeys } from "../settings.ts";
import { temporaryFolder } from "./temporaryFolder.ts";

const defaults = Object.fromEntries(Object.entries(configDefaults()).map(([key, value]) => [key, String(value)]));
const existing = { target: "existing", kubeContext: "team", registry: "registry.example.com/team" };

const accept = (values: Record<string, string>) => parseSettings({ ...defaults, ...values }, () => true);

const refusal = (values: Record<string, string>, secret = false): string => {
  try {
    parseSettings({ ...defaults, ...values }, () => secret);
  } catch (error) {
    return (error as Error).message;
  }
  assert.fail(`${JSON.stringify(values)} was accepted`);
};

describe("The settings", () => {
  it("are declared in Pulumi.yaml: each key typed, described, with a default", () => {
    const { config } = parse(readFileSync("Pulumi.yaml", "utf8")) as {
      config: Record<string, { type?: string; description?: string; default?: unknown }>;
    };
    assert.deepEqual(Object.keys(config).sort(), [...settingKeys].sort());
    for (const [key, { type, description, default: value }] of Object.entries(config)) {
      const expected = typeof value === "number" ? "integer" : typeof value;
      assert.equal(type, expected, `${key} has a default of another type`);
      assert.ok((description ?? "").length > 10, `${key} is not described`);
    }
  });

  it("name their target in the description, if they belong to one", () => {
    const page = readFileSync("docs/settings.md", "utf8");
    for (const key of ["kubeContext", "registry", "imagePlatform", "ingressAnnotations", "storageClass", "mysqlHost"]) {
      assert.match(page, new RegExp(`^\\| \`${key}\` .*Target existing`, "m"));
    }
    for (const key of ["clusterName", "workers", "nodeImage", "hostPort", "kibanaPort", "registryPort"]) {
      assert.match(page, new RegExp(`^\\| \`${key}\` .*Target kind`, "m"));
    }
  });

  const wrong: [key: string, value: string, expected: string][] = [
    ["hostPort", "0", "a whole number from 1 to 65535"],
    ["hostPort", "65536", "a whole number from 1 to 65535"],
    ["hostPort", "http", "a whole number from 1 to 65535"],
    ["nodePort", "30424", "30423, because target is kind. hostPort is the port of this machine"],
    ["replicas", "0", "a whole number from 1 to 20"],
    ["replicas", "-1", "a whole number from 1 to 20"],
    ["replicas", "1.5", "a whole number from 1 to 20"],
    ["workers", "10", "a whole number from 0 to 9"],
    ["mysqlImage", "mysql", "an image reference with a tag other than latest"],
    ["mysqlImage", "mysql:latest", "an image reference with a tag other than latest"],
    ["mysqlImage", "mysql:latest@sha256:" + "0".repeat(64), "an image reference with a tag other than latest"],
    ["mysqlImage", "MySQL:9", "an image reference with a tag other than latest"],
    ["mysqlImage", "mysql:9 --privileged", "an image reference with a tag other than latest"],
    ["nodeImage", "kindest/node@sha256:" + "0".repeat(64), "an image reference with a tag other than latest"],
    ["baseImage", "node:24@sha256:abc", "an image reference with a tag other than latest"],
    ["clusterName", "Koa Blog", "up to 42 lower-case letters, digits, dots and hyphens"],
    ["clusterName", "a'; rm -rf ~; '", "up to 42 lower-case letters, digits, dots and hyphens"],
    ["namespace", "koa_blog", "lower-case letters, digits and hyphens"],
    ["listenAddress", "localhost", "an IP address, such as 127.0.0.1"],
    ["logLevel", "verbose", "trace, debug, info, warn, error or fatal"],
    ["logging", "yes", "true or false"],
    ["secureCookies", "yes", "true or false"],
    ["trustedProxies", "10", "a whole number from 0 to 9"],
    ["mysqlStorage", "1GB", "a size such as 512Mi or 1Gi"],
    ["mysqlDatabase", "koa-blog", "up to 64 letters, digits and underscores"],
    ["mysqlUser", "root", "up to 32 letters, digits and underscores, other than root"],
  ];
  for (const [key, value, expected] of wrong) {
    it(`refuse ${key} = ${JSON.stringify(value)}, naming key, expectation, value and remedy`, () => {
      const message = refusal({ [key]: value });
      assert.ok(message.includes(`${key}: expected ${expected}`), message);
      assert.ok(
        message.includes(`got ${JSON.stringify(value)}. Set it with "npm run pulumi -- config set ${key} VALUE".`),
        message,
      );
    });
  }

  const references = [
    "mysql:9.7.2",
    "docker.io/library/mysql:9.7",
    "registry.example.com:5000/team/my-sql:9.7.2-oracle",
    "localhost:5000/mysql:9",
    "mysql:9.7.2@sha256:" + "0".repeat(64),
  ];
  for (const reference of references) {
    it(`accept the image ${reference.slice(0, 50)}`, () => {
      assert.equal(accept({ mysqlImage: reference }).mysqlImage, reference);
    });
  }

  it("have numbers, booleans and unset values", () => {
    const { replicas, logging, secureCookies, trustedProxies, mysqlPassword } = accept({ replicas: "3" });
    assert.deepEqual([replicas, logging], [3, true]);
    assert.deepEqual([secureCookies, trustedProxies, mysqlPassword], [undefined, undefined, undefined]);
    const set = accept({ ...existing, secureCookies: "false", trustedProxies: "2", maxReplicas: "6" });
    assert.deepEqual([set.secureCookies, set.trustedProxies, set.maxReplicas], [false, 2, 6]);
  });

  it("take the certificates of a MySQL from a file, and only the certificates", () => {
    const folder = temporaryFolder();
    const file = join(folder, "bundle.pem");
    const certificate = "-----BEGIN CERTIFICATE-----\nMII=\n-----END CERTIFICATE-----\n";
    const key = "-----BEGIN PRIVATE KEY-----\nMII=\n-----END PRIVATE KEY-----\n";
    const values = { ...existing, mysqlHost: "mysql.example.com:3307", mysqlPassword: "a managed password" };
    const ca = (mysqlCa: string) => accept({ ...values, mysqlCa }).mysqlCa;
    assert.equal(ca(""), undefined);
    writeFileSync(file, `# of a provider\r\n${certificate.replaceAll("\n", "\r\n")}${key}${certificate}`);
    assert.equal(ca(file), certificate.repeat(2));
    assert.equal(ca(relative(process.cwd(), file)), certificate.repeat(2));

    const refused = (mysqlCa: string) => refusal({ ...values, mysqlCa }, true);
    assert.match(refused(join(folder, "missing.pem")), /the path of a readable PEM file .* \(ENOENT: .*missing\.pem/);
    assert.match(refused(folder), /a readable PEM file .* \(EISDIR: /);
    writeFileSync(file, key);
    assert.match(refused(file), new RegExp(`PEM file with certificates \\(none in ${file}\\)`));
  });

  it("take annotations of the Ingress from a JSON object with texts", () => {
    const values = { ...existing, expose: "Ingress", ingressHost: "blog.example.com" };
    const annotations = { "cert-manager.io/cluster-issuer": "letsencrypt" };
    const ingressAnnotations = JSON.stringify(annotations);
    assert.deepEqual(accept({ ...values, ingressAnnotations }).ingressAnnotations, annotations);
    for (const text of ["{", "[]", '"text"', '{"a": 1}']) {
      assert.match(refusal({ ...values, ingressAnnotations: text }), /ingressAnnotations: expected a JSON object/);
    }
  });

  const contradictions: [key: string, values: Record<string, string>, expected: string][] = [
    ["target", { target: "docker" }, "kind or existing"],
    ["registryPort", { registryPort: "30423" }, "another port than hostPort and kibanaPort"],
    ["registryPort", { registryPort: "30601" }, "another port than hostPort and kibanaPort"],
    ["kibanaPort", { kibanaPort: "30423" }, "another port than hostPort"],
    ["loggingNamespace", { loggingNamespace: "koa-blog" }, "another namespace than the blog's"],
    ["kubeContext", { ...existing, kubeContext: "" }, "the context of the cluster to deploy to, got nothing"],
    ["registry", { ...existing, registry: "" }, "a registry that the nodes can pull from"],
    ["registry", { ...existing, registry: "registry.example.com/team:1" }, "a registry that the nodes can pull from"],
    ["registryPassword", { ...existing, registryUser: "me" }, "the password of registryUser, got nothing"],
    ["nodePort", { ...existing, nodePort: "29999" }, "a whole number from 30000 to 32767"],
    ["ingressHost", { ...existing, expose: "Ingress" }, "the host name of the blog for browsers"],
    ["ingressHost", { ...existing, ingressHost: "blog.example.com" }, "nothing unless expose is Ingress"],
    ["ingressAnnotations", { ...existing, ingressAnnotations: "{}" }, "nothing unless expose is Ingress"],
    ["mysqlPassword", { ...existing, mysqlHost: "mysql.example.com" }, "the password of mysqlUser"],
    ["maxReplicas", { ...existing, replicas: "3", maxReplicas: "2" }, "replicas or more"],
    ["imagePlatform", { ...existing, imagePlatform: "arm64" }, "a platform, such as linux/amd64"],
    ["expose", { expose: "LoadBalancer" }, "NodePort, because target is kind"],
    ...["kubeContext", "registry", "imagePlatform", "storageClass", "mysqlHost"].map(
      (key) => [key, { [key]: "value" }, "nothing, because target is kind"] as [string, Record<string, string>, string],
    ),
  ];
  for (const [key, values, expected] of contradictions) {
    it(`refuse ${JSON.stringify(values)}, because ${key} should be ${expected}`, () => {
      const message = refusal(values);
      assert.ok(message.includes(`${key}: expected ${expected}`), message);
      const command = expected.startsWith("nothing") ? `rm ${key}` : `set (${key} VALUE|--secret ${key})`;
      assert.match(message, new RegExp(`${key}: .*(Set|Remove) it with "npm run pulumi -- config ${command}"\\.`));
    });
  }

  it("accept the example of an existing cluster, with all of its commented lines", () => {
    const text = readFileSync("Pulumi.existing.yaml.example", "utf8").replaceAll(/^( *)# (koa-blog:)/gm, "$1$2");
    const stack = parse(text, { uniqueKeys: false }) as { config: Record<string, unknown> };
    const values = Object.entries(stack.config).flatMap(([key, value]) =>
      key.startsWith("koa-blog:") ? [[key.slice("koa-blog:".length), String(value)] as const] : [],
    );
    assert.ok(values.length > 10);
    accept({ ...Object.fromEntries(values), registryPassword: "given", mysqlPassword: "given too" });
  });

  it("repeat no default in Pulumi.dev.yaml", () => {
    const { config } = parse(readFileSync("Pulumi.dev.yaml", "utf8")) as { config: Record<string, unknown> };
    for (const [key, value] of Object.entries(config)) {
      assert.notEqual(String(value), defaults[key.replace("koa-blog:", "")], `${key} repeats its default`);
    }
  });

  it("refuse an unknown key and list the known ones", () => {
    const message = refusal({ replica: "3" });
    assert.match(message, /replica: unknown setting\. Remove it with "npm run pulumi -- config rm replica"\./);
    for (const key of settingKeys) assert.ok(message.includes(key), key);
  });

  it("report every wrong key at once", () => {
    const message = refusal({ hostPort: "0", replicas: "0", nosuch: "1" });
    assert.equal(message.split("\n").length, 4, message);
  });

  it("refuse a secret in plain text, or one that is too short, without repeating it", () => {
    for (const key of secretKeys) {
      const value = "a-value-of-more-than-32-characters-1234";
      assert.match(refusal({ ...existing, [key]: value }), new RegExp(`${key}: expected a secret, got plain text`));
      assert.ok(!refusal({ ...existing, [key]: value }).includes(value));
      // The registry's owner chooses this password, so any length is valid.
      if (key === "registryPassword") continue;
      const short = refusal({ [key]: "hunter2" }, true);
      assert.match(short, new RegExp(`${key}: expected (8 to 256|keys of 32) .*, got another value`));
      assert.ok(!short.includes("hunter2"));
    }
  });

  it("refuse a root password that the MySQL image would not quote", () => {
    for (const value of ["it's a password", 'say "password"', "back\\slash"]) {
      assert.match(refusal({ mysqlRootPassword: value }, true), /mysqlRootPassword: expected .* without quotes/);
      assert.equal(accept({ mysqlPassword: value }).mysqlPassword, value);
    }
  });

  it("stop the program with one message and without a stack trace, if they are wrong", async () => {
    await pulumi.runtime.setMocks(
      { newResource: ({ name }) => ({ id: name, state: {} }), call: () => ({}) },
      "koa-blog",
    );
    const values = Object.entries({ ...defaults, workers: "many" }).map(([key, value]) => [`koa-blog:${key}`, value]);
    pulumi.runtime.setAllConfig(Object.fromEntries(values) as Record<string, string>);
    process.env.PULUMI_CONFIG_SECRET_KEYS = "[]";
    assert.throws(loadConfig, (error: Error) => {
      assert.ok(pulumi.RunError.isInstance(error));
      assert.match(error.message, /workers: expected a whole number from 0 to 9, got "many"/);
      assert.equal(error.stack, "", "a stack trace would take Pulumi half a minute to colour");
      return true;
    });
  });
});

describe("The blog's URL", () => {
  const urls = { "0.0.0.0": "localhost", "::": "localhost", "127.0.0.1": "127.0.0.1", "::1": "[::1]" };
  for (const [listenAddress, host] of Object.entries(urls)) {
    it(`is on ${host} when the blog listens on ${listenAddress}`, () => {
      assert.equal(blogUrl({ listenAddress, hostPort: 8080 }), `http://${host}:8080`);
    });
  }
});
