import { readFileSync } from "node:fs";
import { resolve } from "node:path";

import { z } from "zod";

const imageName = "(?:[\\w.-]+(?::\\d+)?\\/)?[a-z0-9]+(?:[._/-]+[a-z0-9]+)*";

/** `name:tag`, optionally with a registry and a digest. Not `latest`, because pods would not roll to a new image. */
const imageReference = new RegExp(`^${imageName}:(?!latest(?:@|$))[\\w][\\w.-]{0,127}(?:@sha256:[0-9a-f]{64})?$`);

const dnsLabel = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;
const dnsName = /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/;

const pattern = (accepted: RegExp, expected: string) => z.string().regex(accepted, expected);

const integer = (minimum: number, maximum: number) => {
  const expected = `a whole number from ${String(minimum)} to ${String(maximum)}`;
  return z
    .string()
    .regex(/^\d+$/, expected)
    .transform(Number)
    .refine((value) => value >= minimum && value <= maximum, expected);
};

/** An optional setting. The empty string becomes undefined. */
const optional = <Value>(setting: z.ZodType<Value, string>) =>
  z.union([z.literal("").transform(() => undefined), setting], {
    error: (issue) => issue.errors.at(-1)?.[0]?.message,
  });

const image = pattern(imageReference, "an image reference with a tag other than latest, such as mysql:9.7.2");

const boolean = z.enum(["true", "false"], { error: "true or false" }).transform((value) => value === "true");

const namespace = pattern(dnsLabel, "lower-case letters, digits and hyphens").max(63, "at most 63 characters");

const volumeSize = pattern(/^[1-9]\d*(?:Mi|Gi|Ti)$/, "a size such as 512Mi or 1Gi");

const password = pattern(/^[^\0\r\n]{8,256}$/, "8 to 256 characters on one line");

/** The path of a PEM file with certificates becomes its certificates. Pods get no comments and no private keys. */
const certificates = z.string().transform((path, context) => {
  const expected = "the path of a readable PEM file with certificates";
  try {
    const text = readFileSync(resolve(path), "utf8").replaceAll("\r\n", "\n");
    const found = text.match(/^-----BEGIN CERTIFICATE-----\n[^-]+\n-----END CERTIFICATE-----$/gm);
    if (found) return `${found.join("\n")}\n`;
    context.addIssue({ code: "custom", message: `${expected} (none in ${resolve(path)})` });
  } catch (error) {
    context.addIssue({ code: "custom", message: `${expected} (${(error as Error).message})` });
  }
  return z.NEVER;
});

/** A JSON object with texts. */
const annotations = z.string().transform((text, context) => {
  try {
    return z.record(z.string(), z.string()).parse(JSON.parse(text));
  } catch {
    context.addIssue({ code: "custom", message: 'a JSON object, such as {"cert-manager.io/cluster-issuer": "name"}' });
    return z.NEVER;
  }
});

const onlyForExisting = z.literal("", { error: "nothing, because target is kind" }).transform(() => undefined);

/** Settings of both targets. The message of a check says which value is expected. */
const common = {
  namespace,
  replicas: integer(1, 20),
  baseImage: image,
  logLevel: z.enum(["trace", "debug", "info", "warn", "error", "fatal"], {
    error: "trace, debug, info, warn, error or fatal",
  }),
  registrationsPerHour: integer(0, 999_999),
  secureCookies: optional(boolean),
  trustedProxies: optional(integer(0, 9)),
  origin: optional(pattern(/^https?:\/\/[^\s/]+$/, "an origin, such as https://blog.example.com")),
  sessionKeys: optional(
    pattern(/^[^\0\r\n,]{32,}(?:,[^\0\r\n,]{32,})*$/, "keys of 32 or more characters each, separated by commas"),
  ),
  mysqlImage: image,
  mysqlStorage: volumeSize,
  mysqlDatabase: pattern(/^[A-Za-z0-9_]{1,64}$/, "up to 64 letters, digits and underscores"),
  mysqlUser: pattern(/^(?!root$)[A-Za-z0-9_]{1,32}$/, "up to 32 letters, digits and underscores, other than root"),
  mysqlPassword: optional(password),
  // The MySQL image inserts root's password into SQL without escaping.
  mysqlRootPassword: optional(
    pattern(/^[^\0\r\n'"\\]{8,256}$/, "8 to 256 characters on one line, without quotes and backslashes"),
  ),
  logging: boolean,
  loggingNamespace: namespace,
  elasticsearchImage: image,
  elasticsearchHeap: pattern(/^[1-9]\d*[mg]$/, "a size such as 512m or 2g"),
  elasticsearchStorage: volumeSize,
  kibanaImage: image,
  fluentdImage: image,
  logRetentionDays: integer(1, 3650),
  elasticPassword: optional(password),
};

const kind = z.object({
  target: z.literal("kind"),
  ...common,
  clusterName: pattern(
    /^[a-z0-9](?:[a-z0-9.-]{0,40}[a-z0-9])?$/,
    "up to 42 lower-case letters, digits, dots and hyphens",
  ),
  workers: integer(0, 9),
  nodeImage: image,
  registryImage: image,
  registryPort: integer(1, 65535),
  hostPort: integer(1, 65535),
  kibanaPort: integer(1, 65535),
  listenAddress: z.union([z.ipv4(), z.ipv6()], { error: "an IP address, such as 127.0.0.1" }),
  expose: z.literal("NodePort", { error: "NodePort, because target is kind" }),
  nodePort: z
    .literal("30423", { error: "30423, because target is kind. hostPort is the port of this machine" })
    .transform(Number),
  kubeContext: onlyForExisting,
  registry: onlyForExisting,
  registryUser: onlyForExisting,
  registryPassword: onlyForExisting,
  imagePlatform: onlyForExisting,
  maxReplicas: onlyForExisting,
  ingressHost: onlyForExisting,
  ingressTlsSecret: onlyForExisting,
  ingressAnnotations: onlyForExisting,
  storageClass: onlyForExisting,
  mysqlHost: onlyForExisting,
  mysqlCa: onlyForExisting,
});

const existing = z.object({
  target: z.literal("existing"),
  ...common,
  kubeContext: pattern(/^[^\0\r\n]+$/, "the context of the cluster to deploy to"),
  registry: pattern(
    new RegExp(`^[\\w.-]+(?::\\d+)?(?:/[a-z0-9]+(?:[._/-]+[a-z0-9]+)*)?$`),
    "a registry that the nodes can pull from, such as registry.example.com/team",
  ),
  registryUser: optional(pattern(/^[^\0\r\n:]+$/, "a user's name on one line, without a colon")),
  registryPassword: optional(pattern(/^[^\0\r\n]+$/, "a password on one line")),
  imagePlatform: optional(pattern(/^linux\/[a-z0-9]+(?:\/v\d)?$/, "a platform, such as linux/amd64")),
  maxReplicas: optional(integer(1, 20)),
  expose: z.enum(["NodePort", "LoadBalancer", "Ingress"], { error: "NodePort, LoadBalancer or Ingress" }),
  nodePort: integer(30000, 32767),
  ingressHost: optional(pattern(dnsName, "a host name, such as blog.example.com")),
  ingressTlsSecret: optional(pattern(dnsName, "the name of a Secret")),
  ingressAnnotations: optional(annotations),
  storageClass: optional(pattern(dnsName, "the name of a StorageClass")),
  mysqlHost: optional(pattern(/^[\w.-]+(?::\d+)?$/, "a host name, optionally with a port")),
  mysqlCa: optional(certificates),
});

const schema = z.discriminatedUnion("target", [kind, existing], { error: "kind or existing" });

/** The checked settings of a stack, which Pulumi.yaml describes. An unset optional setting is undefined. */
export type Settings = z.output<typeof schema>;
export type KindSettings = z.output<typeof kind>;

/** Keys that must be set with `--secret`. Messages never contain their values. */
export const secretKeys = [
  "sessionKeys",
  "registryPassword",
  "mysqlPassword",
  "mysqlRootPassword",
  "elasticPassword",
] as const;
export type SecretKey = (typeof secretKeys)[number];

/** All keys, of both targets. */
export const settingKeys = [...new Set([...Object.keys(kind.shape), ...Object.keys(existing.shape)])];

/** The key to report, its expected value, and whether its value is wrong. */
type Check = readonly [key: string, expected: string, isWrong: unknown];

/** Checks that involve several settings. */
function contradictions(settings: Settings): Check[] {
  const { expose, ingressHost, registryUser, registryPassword, mysqlHost, mysqlPassword, maxReplicas } = settings;
  const isIngress = expose === "Ingress";
  return [
    ["loggingNamespace", "another namespace than the blog's", settings.loggingNamespace === settings.namespace],
    ["registryUser", "the user that registryPassword belongs to", registryPassword && !registryUser],
    ["registryPassword", "the password of registryUser", registryUser && !registryPassword],
    ["ingressHost", "the host name of the blog for browsers, because expose is Ingress", isIngress && !ingressHost],
    ...(["ingressHost", "ingressTlsSecret", "ingressAnnotations"] as const).map(
      (key) => [key, "nothing unless expose is Ingress", settings[key] && !isIngress] as const,
    ),
    ["mysqlPassword", "the password of mysqlUser, because mysqlHost is an existing MySQL", mysqlHost && !mysqlPassword],
    ["mysqlCa", "nothing unless mysqlHost is set", settings.mysqlCa && !mysqlHost],
    ["maxReplicas", "replicas or more", maxReplicas !== undefined && maxReplicas < settings.replicas],
    ...samePorts(settings),
  ];
}

/** Checks that each program of this machine has a port of its own. */
function samePorts(settings: Settings): Check[] {
  if (settings.target !== "kind") return [];
  const { hostPort, kibanaPort, registryPort } = settings;
  return [
    ["kibanaPort", "another port than hostPort", kibanaPort === hostPort],
    ["registryPort", "another port than hostPort and kibanaPort", [hostPort, kibanaPort].includes(registryPort)],
  ];
}

/**
 * Checks the settings of a stack.
 *
 * @param values - all keys of the project, including defaults
 * @param isSecret - whether a key was set with `--secret`
 * @throws Error that lists every wrong key with the expected value, the given value and the command to fix it
 */
export function parseSettings(values: Record<string, string>, isSecret: (key: string) => boolean): Settings {
  const isSecretKey = (key: string) => (secretKeys as readonly string[]).includes(key);
  // Pulumi asks for the value of a secret, which keeps the value out of the shell's history.
  const remedy = (key: string) =>
    `Set it with "npm run pulumi -- config set ${isSecretKey(key) ? `--secret ${key}` : `${key} VALUE`}".`;
  const removal = (key: string) => `Remove it with "npm run pulumi -- config rm ${key}".`;
  const problem = (key: string, expected: string) => {
    const value = values[key];
    const isNothing = value === undefined || value === "";
    const given = isNothing ? "nothing" : isSecretKey(key) ? "another value" : JSON.stringify(value);
    return `${key}: expected ${expected}, got ${given}. ${expected.startsWith("nothing") ? removal(key) : remedy(key)}`;
  };
  const { data, error } = schema.safeParse(values);
  const problems = [
    ...Object.keys(values)
      .filter((key) => !settingKeys.includes(key))
      .map((key) => `${key}: unknown setting. ${removal(key)} Keys: ${settingKeys.join(", ")}`),
    ...(error?.issues ?? []).map((issue) => problem(String(issue.path[0]), issue.message)),
    ...secretKeys
      .filter((key) => values[key] && !isSecret(key))
      .map((key) => `${key}: expected a secret, got plain text. ${remedy(key)}`),
    ...(data ? contradictions(data) : [])
      .filter(([, , isWrong]) => isWrong)
      .map(([key, expected]) => problem(key, expected)),
  ];
  if (!data || problems.length > 0) {
    throw new Error(["The stack's configuration cannot be used:", ...problems].join("\n  "));
  }
  return data;
}

/** Node port of Kibana in a kind cluster. `kibanaPort` is the port of this machine. */
export const kibanaNodePort = 30601;

/** The arguments of a KindCluster that become kind's configuration. A change recreates the cluster. */
export function kindConfigArgs(settings: KindSettings) {
  const { workers, nodeImage, nodePort, hostPort, kibanaPort, listenAddress } = settings;
  const portMappings = [
    { containerPort: nodePort, hostPort, listenAddress },
    { containerPort: kibanaNodePort, hostPort: kibanaPort, listenAddress: "127.0.0.1" },
  ];
  return { workers, nodeImage, portMappings };
}

/** URL of the blog on a kind cluster. With 0.0.0.0 or ::, it listens on all addresses, and the URL has localhost. */
export function blogUrl({ listenAddress, hostPort }: { listenAddress: string; hostPort: number }): string {
  const host = ["0.0.0.0", "::"].includes(listenAddress) ? "localhost" : listenAddress;
  return `http://${host.includes(":") ? `[${host}]` : host}:${String(hostPort)}`;
}
