import { readFileSync } from "node:fs";
import { resolve } from "node:path";

import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";

import { hasTag } from "./components/images/imageBuild.ts";
import { registryOf } from "./components/images/registry.ts";
import { settingError } from "./components/kubernetes/settingError.ts";

const imageName = "(?:[\\w.-]+(?::\\d+)?\\/)?[a-z0-9]+(?:[._/-]+[a-z0-9]+)*";
const imageTag = ":(?!latest(?:@|$))[\\w][\\w.-]{0,127}";

/** `name:tag`, optionally with a registry and a digest. Not `latest`, because pods would not roll to a new image. */
const imageReference = new RegExp(`^${imageName}${imageTag}(?:@sha256:[0-9a-f]{64})?$`);

const dnsLabel = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;
const dnsName = /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/;

const text = (pattern: RegExp, expected: string) => z.string().regex(pattern, expected);

const integer = (minimum: number, maximum: number, { orZero = false } = {}) => {
  const expected = `a whole number from ${String(minimum)} to ${String(maximum)}${orZero ? ", or 0" : ""}`;
  return z
    .string()
    .regex(/^\d+$/, expected)
    .transform(Number)
    .refine((value) => (value >= minimum && value <= maximum) || (orZero && value === 0), expected);
};

const image = text(imageReference, "an image reference with a tag other than latest, such as mysql:9.7.2");

/** An optional setting. The empty string becomes undefined. */
const optional = (pattern: RegExp, expected: string) =>
  z
    .string()
    .refine((value) => value === "" || pattern.test(value), expected)
    .transform((value) => value || undefined);

const boolean = z.enum(["true", "false"], { error: "true or false" }).transform((value) => value === "true");

const namespace = text(dnsLabel, "lower-case letters, digits and hyphens").max(63, "at most 63 characters");

const volumeSize = text(/^[1-9]\d*(?:Mi|Gi|Ti)$/, "a size such as 512Mi or 1Gi");

const memorySize = text(/^[1-9]\d*[mg]$/, "a size such as 512m or 2g");

const password = optional(/^[^\0\r\n]{8,256}$/, "8 to 256 characters on one line");

// The MySQL image inserts root's password into SQL without escaping.
const rootPassword = optional(
  /^[^\0\r\n'"\\]{8,256}$/,
  "8 to 256 characters on one line, without quotes and backslashes",
);

// The Kibana image passes its variables as unquoted command-line options. Fluentd's Elasticsearch client sends a space
// as "+" (CGI.escape in elastic-transport, then excon), and Elasticsearch answers 401.
const plainPassword = optional(/^[\w.~+-]{8,256}$/, "8 to 256 letters, digits, dots, hyphens and _ ~ +");

/** Certificates in PEM format, or a file's path. Linux limits an argument to 128 KiB, and some bundles are longer. */
const certificates = z.string().transform((value, context) => {
  if (value === "") return undefined;
  const isPem = value.startsWith("-----BEGIN ");
  const refuse = (expected: string) => {
    context.addIssue({ code: "custom", message: expected });
    return z.NEVER;
  };
  const path = resolve(value);
  let text = value;
  try {
    if (!isPem) text = readFileSync(path, "utf8");
  } catch (error) {
    const { code = "unknown error" } = error as NodeJS.ErrnoException;
    return refuse(`certificates in PEM format, or the path of a readable PEM file (${code}: ${path})`);
  }
  // The pods get neither comments nor private keys of the file.
  const found = text
    .replaceAll("\r\n", "\n")
    .match(/^-----BEGIN CERTIFICATE-----\n[^-]+\n-----END CERTIFICATE-----$/gm);
  if (!found) return refuse(isPem ? "certificates in PEM format" : `certificates in PEM format in ${path}`);
  const bundle = `${found.join("\n")}\n`;
  return bundle.length <= 1_000_000 ? bundle : refuse("at most 1 MB of certificates, the limit of a ConfigMap");
});

/** Accepted values of each key in `Pulumi.yaml`. The message of a check says which value is expected. */
const schema = z.strictObject({
  target: z.enum(["kind", "containers", "existing"], { error: "kind, containers or existing" }),
  kubeconfig: optional(/^[^\0\r\n]+$/, "the path of a kubeconfig"),
  kubeContext: optional(/^[^\0\r\n]+$/, "the name of a context"),
  network: text(/^[a-zA-Z0-9][\w.-]{0,40}$/, "up to 41 letters, digits, dots, hyphens and underscores"),
  clusterName: text(/^[a-z0-9](?:[a-z0-9.-]{0,40}[a-z0-9])?$/, "up to 42 lower-case letters, digits, dots and hyphens"),
  workers: integer(1, 9),
  nodeImage: image,
  registryImage: image,
  registryPort: integer(1, 65535),
  hostPort: integer(1, 65535),
  listenAddress: z.union([z.ipv4(), z.ipv6()], { error: "an IP address, such as 127.0.0.1" }),
  nodePort: integer(30000, 32767),
  mergeKubeconfig: boolean,
  namespace,
  replicas: integer(1, 20),
  maxReplicas: integer(1, 20, { orZero: true }).transform((count) => count || undefined),
  expose: z.enum(["NodePort", "LoadBalancer", "Ingress"], { error: "NodePort, LoadBalancer or Ingress" }),
  ingressHost: optional(dnsName, "a host name, such as blog.example.com"),
  ingressClass: optional(dnsName, "the name of an IngressClass"),
  ingressTlsSecret: optional(dnsName, "the name of a Secret"),
  storageClass: optional(dnsName, "the name of a StorageClass"),
  blogImage: text(new RegExp(`^${imageName}(?:${imageTag})?$`), "an image's name, such as koa-blog"),
  imagePlatform: optional(/^linux\/[a-z0-9]+(?:\/v\d)?$/, "a platform, such as linux/amd64"),
  registryUser: optional(/^[^\0\r\n:]+$/, "a user's name on one line, without a colon"),
  registryPassword: optional(/^[^\0\r\n]+$/, "a password on one line"),
  baseImage: image,
  logLevel: z.enum(["trace", "debug", "info", "warn", "error", "fatal"], {
    error: "trace, debug, info, warn, error or fatal",
  }),
  registrationsPerHour: integer(0, 999_999),
  sessionKeys: optional(
    /^[^\0\r\n,]{32,}(?:,[^\0\r\n,]{32,})*$/,
    "keys of 32 or more characters each, separated by commas",
  ),
  mysqlImage: image,
  mysqlHost: optional(/^[\w.:-]+$/, "a host name or address"),
  mysqlPort: integer(1, 65535),
  mysqlCa: certificates,
  mysqlStorage: volumeSize,
  mysqlDatabase: text(/^[A-Za-z0-9_]{1,64}$/, "up to 64 letters, digits and underscores"),
  mysqlUser: text(/^(?!root$)[A-Za-z0-9_]{1,32}$/, "up to 32 letters, digits and underscores, other than root"),
  mysqlPassword: password,
  mysqlRootPassword: rootPassword,
  logging: boolean,
  loggingNamespace: namespace,
  elasticsearchImage: image,
  elasticsearchHeap: memorySize,
  elasticsearchStorage: volumeSize,
  kibanaImage: image,
  kibanaNodePort: integer(30000, 32767, { orZero: true }).transform((port) => port || undefined),
  fluentdImage: image,
  fluentdBuffer: memorySize,
  logRetentionDays: integer(1, 3650),
  logRolloverSize: text(/^[1-9]\d*[mg]b$/, "a size such as 500mb or 1gb"),
  elasticPassword: password,
  kibanaPassword: plainPassword,
  fluentdPassword: plainPassword,
});

/** Keys that must be set with `--secret`. Messages never contain their values. */
export const secretKeys = [
  "sessionKeys",
  "registryPassword",
  "mysqlPassword",
  "mysqlRootPassword",
  "elasticPassword",
  "kibanaPassword",
  "fluentdPassword",
] as const;
type SecretKey = (typeof secretKeys)[number];

type Values = z.output<typeof schema>;

/** Checks that involve several settings, with the key to report and its expected value. */
function contradictions(config: Values): (readonly [key: keyof Values, expected: string, isWrong: unknown])[] {
  const { target, expose, blogImage, hostPort, kibanaNodePort, registryPort, mysqlHost } = config;
  const { ingressHost, mysqlPassword, registryUser, registryPassword } = config;
  const isKind = target === "kind";
  const isExisting = target === "existing";
  const isIngress = expose === "Ingress";
  const onlyWithIngress = ["ingressHost", "ingressClass", "ingressTlsSecret"] as const;
  const onlyForExisting = [
    ...(["kubeconfig", "kubeContext", "registryUser", "registryPassword"] as const),
    ...(["maxReplicas", "storageClass", "mysqlHost"] as const),
  ];
  return [
    ["loggingNamespace", "another namespace than the blog's", config.loggingNamespace === config.namespace],
    [
      "kibanaNodePort",
      "another port than nodePort and hostPort",
      kibanaNodePort && [config.nodePort, hostPort].includes(kibanaNodePort),
    ],
    [
      "blogImage",
      "a name without a tag, because the tag is a hash of the content",
      target !== "containers" && hasTag(blogImage),
    ],
    [
      "blogImage",
      "a name in a registry that the cluster pulls from, such as registry.example.com/team/koa-blog",
      isExisting && !registryOf(blogImage),
    ],
    ["blogImage", "a name without a registry, because target kind has its own", isKind && registryOf(blogImage)],
    [
      "registryPort",
      "another port than hostPort and kibanaNodePort",
      isKind && [hostPort, kibanaNodePort].includes(registryPort),
    ],
    ["kubeContext", "the context of the cluster to deploy to", isExisting && !config.kubeContext],
    ["registryUser", "the user that registryPassword belongs to", registryPassword && !registryUser],
    ["registryPassword", "the password of registryUser", registryUser && !registryPassword],
    ["ingressHost", "the host name of the blog for browsers, because expose is Ingress", isIngress && !ingressHost],
    ["mysqlPassword", "the password of mysqlUser, because mysqlHost is an existing MySQL", mysqlHost && !mysqlPassword],
    ["maxReplicas", "replicas or more", config.maxReplicas && config.maxReplicas < config.replicas],
    ["mysqlCa", "nothing unless mysqlHost is set", config.mysqlCa && !mysqlHost],
    ...onlyWithIngress.map((key) => [key, "nothing unless expose is Ingress", config[key] && !isIngress] as const),
    ...onlyForExisting.map((key) => [key, "nothing unless target is existing", config[key] && !isExisting] as const),
    ["expose", "NodePort unless target is existing", !isExisting && expose !== "NodePort"],
  ];
}

/** The checked settings of the stack, which Pulumi.yaml describes. An unset secret is undefined. */
export type StackConfig = Omit<Values, SecretKey> & Record<SecretKey, pulumi.Output<string> | undefined>;

export const configKeys = Object.keys(schema.shape);

/** The expected value of a key. Undefined if the given value is accepted. */
export function expectationOf(key: keyof Values, value: string): string | undefined {
  return schema.shape[key].safeParse(value).error?.issues[0]?.message;
}

/**
 * Checks the stack's settings before any resource is declared.
 *
 * @param values - all keys of the project, including defaults
 * @param isSecret - whether a key was set with `--secret`
 * @throws pulumi.RunError that lists every wrong key with the expected value, the given value and the command to fix it
 */
export function parseConfig(values: Record<string, string>, isSecret: (key: string) => boolean): StackConfig {
  const isSecretKey = (key: string): key is SecretKey => (secretKeys as readonly string[]).includes(key);
  // Pulumi asks for the value of a secret, which keeps the value out of the shell's history.
  const remedy = (key: string) =>
    `Set it with "npm run pulumi -- config set ${isSecretKey(key) ? `--secret ${key}` : `${key} VALUE`}".`;
  const removal = (key: string) => `Remove it with "npm run pulumi -- config rm ${key}".`;
  const problem = (key: string, expected: string) => {
    const value = values[key];
    const isNothing = value === undefined || (value === "" && isSecretKey(key));
    const given = isNothing ? "nothing" : isSecretKey(key) ? "another value" : JSON.stringify(value);
    return `${key}: expected ${expected}, got ${given}. ${expected.startsWith("nothing") ? removal(key) : remedy(key)}`;
  };
  const result = schema.safeParse(values);
  const problems = (result.error?.issues ?? []).flatMap((issue) => {
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((key) => `${key}: unknown setting. ${removal(key)} Keys: ${configKeys.join(", ")}`);
    }
    return problem(String(issue.path[0]), issue.message);
  });
  const plain = secretKeys.filter((key) => values[key] && !isSecret(key));
  problems.push(...plain.map((key) => `${key}: expected a secret, got plain text. ${remedy(key)}`));
  const { data } = result;
  if (data) {
    for (const [key, expected, isWrong] of contradictions(data)) if (isWrong) problems.push(problem(key, expected));
  }
  if (!data || problems.length > 0) {
    throw settingError(["The stack's configuration cannot be used:", ...problems].join("\n  "));
  }
  const secrets = Object.fromEntries(
    secretKeys.map((key) => [key, data[key] === undefined ? undefined : pulumi.secret(data[key])]),
  ) as Record<SecretKey, pulumi.Output<string> | undefined>;
  return { ...data, ...secrets };
}

/** Reads and checks the settings of the current stack. */
export function loadConfig(): StackConfig {
  const prefix = `${pulumi.getProject()}:`;
  const values = Object.entries(pulumi.runtime.allConfig())
    .filter(([key]) => key.startsWith(prefix))
    .map(([key, value]) => [key.slice(prefix.length), value] as const);
  // Pulumi passes the names of secret keys in this variable. The SDK has no public accessor for it.
  const secrets = JSON.parse(process.env.PULUMI_CONFIG_SECRET_KEYS ?? "[]") as string[];
  return parseConfig(Object.fromEntries(values), (key) => secrets.includes(prefix + key));
}
