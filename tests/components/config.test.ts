import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";

import * as pulumi from "@pulumi/pulumi";
import { parse } from "yaml";

import { blogUrl } from "../../components/kubernetes/blogUrl.ts";
import { configKeys, parseConfig, secretKeys } from "../../config.ts";
import { configDefaults } from "../../scripts/lib/project.ts";
import { temporaryFolder } from "../temporaryFolder.ts";

const defaults = Object.fromEntries(Object.entries(configDefaults()).map(([key, value]) => [key, String(value)]));

const refusal = (values: Record<string, string>, secret = false): string => {
  try {
    parseConfig({ ...defaults, ...values }, () => secret);
  } catch (error) {
    assert.ok(pulumi.RunError.isInstance(error));
    assert.equal(error.stack, "", "a stack trace would take Pulumi half a minute to colour");
    return error.message;
  }
  assert.fail(`${JSON.stringify(values)} was accepted`);
};

describe("The stack's configuration", () => {
  it("is what Pulumi.yaml declares: each key typed, described, with a default", () => {
    const { config } = parse(readFileSync("Pulumi.yaml", "utf8")) as {
      config: Record<string, { type?: string; description?: string; default?: unknown }>;
    };
    assert.deepEqual(Object.keys(config).sort(), [...configKeys].sort());
    for (const [key, { type, description, default: value }] of Object.entries(config)) {
      assert.ok(["string", "integer", "boolean"].includes(type ?? ""), `${key} has the type ${String(type)}`);
      assert.ok((description ?? "").length > 10, `${key} is not described`);
      assert.notEqual(value, undefined, `${key} has no default`);
    }
  });

  const wrong: [key: string, value: string, expected: string][] = [
    ["hostPort", "0", "a whole number from 1 to 65535"],
    ["hostPort", "65536", "a whole number from 1 to 65535"],
    ["hostPort", "http", "a whole number from 1 to 65535"],
    ["nodePort", "29999", "a whole number from 30000 to 32767"],
    ["nodePort", "32768", "a whole number from 30000 to 32767"],
    ["replicas", "0", "a whole number from 1 to 20"],
    ["replicas", "-1", "a whole number from 1 to 20"],
    ["replicas", "1.5", "a whole number from 1 to 20"],
    ["workers", "0", "a whole number from 1 to 9"],
    ["workers", "", "a whole number from 1 to 9"],
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
    ["mergeKubeconfig", "yes", "true or false"],
    ["mysqlStorage", "1GB", "a size such as 512Mi or 1Gi"],
    ["mysqlDatabase", "koa-blog", "up to 64 letters, digits and underscores"],
    ["mysqlUser", "root", "up to 32 letters, digits and underscores, other than root"],
  ];
  for (const [key, value, expected] of wrong) {
    it(`refuses ${key} = ${JSON.stringify(value)}, naming key, expectation, value and remedy`, () => {
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
    it(`accepts the image ${reference.slice(0, 50)}`, () => {
      assert.equal(parseConfig({ ...defaults, mysqlImage: reference }, () => false).mysqlImage, reference);
    });
  }

  const existing = { target: "existing", kubeContext: "team", blogImage: "registry.example.com/team/koa-blog" };
  it("takes the certificates of a MySQL as text or as a file, and only those of a file that holds more", () => {
    const folder = temporaryFolder();
    const file = join(folder, "bundle.pem");
    const certificate = "-----BEGIN CERTIFICATE-----\nMII=\n-----END CERTIFICATE-----\n";
    const key = "-----BEGIN PRIVATE KEY-----\nMII=\n-----END PRIVATE KEY-----\n";
    const values = { ...defaults, ...existing, mysqlHost: "mysql.example.com", mysqlPassword: "a managed password" };
    const ca = (mysqlCa: string) => parseConfig({ ...values, mysqlCa }, () => true).mysqlCa;
    assert.equal(ca(""), undefined);
    assert.equal(ca(certificate), certificate);
    writeFileSync(file, `# of a provider\r\n${certificate.replaceAll("\n", "\r\n")}${key}${certificate}`);
    assert.equal(ca(file), certificate.repeat(2));
    assert.equal(ca(relative(process.cwd(), file)), certificate.repeat(2));

    const refused = (mysqlCa: string) => refusal({ ...values, mysqlCa }, true);
    const missing = join(folder, "missing.pem");
    assert.match(
      refused(missing),
      new RegExp(
        `mysqlCa: expected certificates .*, or the path of a readable PEM file \\(ENOENT: ${missing}\\), got `,
      ),
    );
    assert.match(refused(folder), /a readable PEM file \(EISDIR: /);
    writeFileSync(file, key);
    assert.match(refused(file), new RegExp(`mysqlCa: expected certificates in PEM format in ${file}, got `));
    writeFileSync(file, certificate.repeat(20_000));
    assert.match(refused(file), /mysqlCa: expected at most 1 MB of certificates, the limit of a ConfigMap, got /);
    assert.match(refused(certificate.slice(0, 40)), /mysqlCa: expected certificates in PEM format, got /);
  });

  const contradictions: [key: string, values: Record<string, string>, expected: string][] = [
    ["target", { target: "docker" }, "kind, containers or existing"],
    ["blogImage", { blogImage: "koa-blog:1.0" }, "a name without a tag"],
    ["blogImage", { ...existing, blogImage: "localhost/koa-blog" }, "a name in a registry that the cluster pulls from"],
    ["blogImage", { ...existing, blogImage: "team/koa-blog" }, "a name in a registry that the cluster pulls from"],
    ["blogImage", { blogImage: "registry.example.com/koa-blog" }, "a name without a registry, because target kind"],
    ["registryPort", { registryPort: "30423" }, "another port than hostPort and kibanaNodePort"],
    ["kubeContext", { ...existing, kubeContext: "" }, "the context of the cluster to deploy to"],
    ["kubeContext", { kubeContext: "team" }, "nothing unless target is existing"],
    ["registryPassword", { ...existing, registryUser: "me" }, "the password of registryUser, got nothing"],
    ["expose", { expose: "LoadBalancer" }, "NodePort unless target is existing"],
    ["ingressHost", { ...existing, expose: "Ingress" }, "the host name of the blog for browsers"],
    ["ingressHost", { ...existing, ingressHost: "blog.example.com" }, "nothing unless expose is Ingress"],
    ["mysqlPassword", { ...existing, mysqlHost: "mysql.example.com" }, "the password of mysqlUser"],
    ["mysqlHost", { target: "containers", mysqlHost: "mysql.example.com" }, "nothing unless target is existing"],
    ["maxReplicas", { ...existing, replicas: "3", maxReplicas: "2" }, "replicas or more"],
    ["imagePlatform", { imagePlatform: "arm64" }, "a platform, such as linux/amd64"],
  ];
  for (const [key, values, expected] of contradictions) {
    it(`refuses ${JSON.stringify(values)}, since it expects of ${key} ${expected}`, () => {
      const message = refusal(values);
      assert.ok(message.includes(`${key}: expected ${expected}`), message);
      const command = expected.startsWith("nothing") ? `rm ${key}` : `set (${key} VALUE|--secret ${key})`;
      assert.match(message, new RegExp(`(Set|Remove) it with "npm run pulumi -- config ${command}"\\.`));
    });
  }

  it("accepts what the examples of the other targets say, all of their commented lines too", () => {
    for (const file of ["Pulumi.containers.yaml", "Pulumi.existing.yaml.example"]) {
      const text = readFileSync(file, "utf8").replaceAll(/^( *)# (koa-blog:)/gm, "$1$2");
      const stack = parse(text, { uniqueKeys: false }) as { config: Record<string, unknown> };
      const values = Object.entries(stack.config).flatMap(([key, value]) =>
        key.startsWith("koa-blog:") ? [[key.slice("koa-blog:".length), String(value)] as const] : [],
      );
      const secrets = file.includes("existing") ? { registryPassword: "given", mysqlPassword: "given too" } : {};
      const config = { ...defaults, ...Object.fromEntries(values), ...secrets };
      assert.doesNotThrow(() => parseConfig(config, () => true));
    }
  });

  it("refuses an unknown key and lists the known ones", () => {
    const message = refusal({ replica: "3" });
    assert.match(message, /replica: unknown setting\. Remove it with "npm run pulumi -- config rm replica"\./);
    for (const key of configKeys) assert.ok(message.includes(key), key);
  });

  it("reports every wrong key at once", () => {
    const message = refusal({ hostPort: "0", replicas: "0", nosuch: "1" });
    assert.equal(message.split("\n").length, 4, message);
  });

  it("refuses a secret in plain text, or one that is too short, without repeating it", () => {
    for (const key of secretKeys) {
      const value = "a-value-of-more-than-32-characters-1234";
      assert.match(refusal({ [key]: value }), new RegExp(`${key}: expected a secret, got plain text`));
      assert.ok(!refusal({ [key]: value }).includes(value));
      // The registry's owner chooses this password, so any length is valid.
      if (key === "registryPassword") continue;
      const short = refusal({ [key]: "hunter2" }, true);
      assert.match(short, new RegExp(`${key}: expected (8 to 256|keys of 32) .*, got another value`));
      assert.ok(!short.includes("hunter2"));
    }
  });

  it("refuses a root password that the MySQL image would not quote", () => {
    for (const value of ["it's a password", 'say "password"', "back\\slash"]) {
      assert.match(refusal({ mysqlRootPassword: value }, true), /mysqlRootPassword: expected .* without quotes/);
      assert.ok(parseConfig({ ...defaults, mysqlPassword: value }, () => true).mysqlPassword);
    }
  });

  it("refuses passwords that Kibana's image or Fluentd's client would change", () => {
    for (const key of ["kibanaPassword", "fluentdPassword"]) {
      for (const value of ["with a space", "quote's one", "%{8 letters}"]) {
        assert.match(refusal({ [key]: value }, true), new RegExp(`${key}: expected 8 to 256 letters, digits`));
      }
      parseConfig({ ...defaults, [key]: "plain.pass_word~1+2-3" }, () => true);
    }
  });

  it("keeps a secret secret", async () => {
    const { mysqlPassword } = parseConfig({ ...defaults, mysqlPassword: "correct horse battery" }, () => true);
    assert.ok(mysqlPassword);
    assert.equal(await pulumi.isSecret(mysqlPassword), true);
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
