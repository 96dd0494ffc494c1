import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";

import type { Exposure } from "./components/blogService.ts";
import { hasTag } from "./components/imageBuild.ts";
import { registryOf, type Registry } from "./components/registry.ts";
import { settingError } from "./components/settingError.ts";

const imageName = "(?:[\\w.-]+(?::\\d+)?\\/)?[a-z0-9]+(?:[._/-]+[a-z0-9]+)*";
const imageTag = ":(?!latest(?:@|$))[\\w][\\w.-]{0,127}";

/** `name:tag`, optionally with a registry before and a digest behind; never `latest`, which says nothing. */
export const imageReference = new RegExp(`^${imageName}${imageTag}(?:@sha256:[0-9a-f]{64})?$`);

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

/** What may be left out, as an empty string; a secret is generated then. */
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

// The MySQL image puts root's password into its own SQL without escaping it.
const rootPassword = optional(
  /^[^\0\r\n'"\\]{8,256}$/,
  "8 to 256 characters on one line, without quotes and backslashes",
);

// The Kibana image makes unquoted options of its variables.
const kibanaPassword = optional(/^[\w.~+-]{8,256}$/, "8 to 256 letters, digits, dots, hyphens and _ ~ +");

/**
 * What each key of `Pulumi.yaml` accepts; meaning and default are declared there. The message of each check is what
 * was expected.
 */
const schema = z.strictObject({
  target: z.enum(["kind", "containers", "existing"], { error: "kind, containers or existing" }),
  kubeconfig: optional(/^[^\0\r\n]+$/, "the path of a kubeconfig"),
  kubeContext: optional(/^[^\0\r\n]+$/, "the name of a context"),
  network: text(/^[a-zA-Z0-9][\w.-]{0,40}$/, "up to 41 letters, digits, dots, hyphens and underscores"),
  clusterName: text(/^[a-z0-9](?:[a-z0-9.-]{0,40}[a-z0-9])?$/, "up to 42 lower-case letters, digits, dots and hyphens"),
  workers: integer(1, 9),
  nodeImage: image,
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
  blogImage: text(new RegExp(`^${imageName}(?:${imageTag})?$`), "an image's name, such as localhost/koa-blog"),
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
  mysqlCa: optional(/^-----BEGIN CERTIFICATE-----\n/, "certificates in PEM format"),
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
  kibanaPassword,
  fluentdPassword: password,
});

/** Keys whose values must be set with `pulumi config set --secret`, and are never repeated in a message. */
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

/** Keys that would be without effect elsewhere. */
const onlyForExisting = [
  ...(["kubeconfig", "kubeContext", "registryUser", "registryPassword"] as const),
  ...(["maxReplicas", "storageClass", "mysqlHost"] as const),
];

/** What no key alone shows: settings that do not go together, each with what was expected of the key. */
const contradictions: { key: keyof Values; isSo: (values: Values) => unknown; expected: string }[] = [
  {
    key: "loggingNamespace",
    isSo: ({ loggingNamespace, namespace: blogs }) => loggingNamespace === blogs,
    expected: "another namespace than the blog's",
  },
  {
    key: "kibanaNodePort",
    isSo: ({ kibanaNodePort: port, nodePort, hostPort }) => port && [nodePort, hostPort].includes(port),
    expected: "another port than nodePort and hostPort",
  },
  {
    key: "blogImage",
    isSo: ({ target, blogImage }) => target !== "containers" && hasTag(blogImage),
    expected: "a name without a tag, which is a hash of the content",
  },
  {
    key: "blogImage",
    isSo: ({ target, blogImage }) => target === "existing" && !registryOf(blogImage),
    expected: "a name in a registry that the cluster pulls from, such as registry.example.com/team/koa-blog",
  },
  {
    key: "kubeContext",
    isSo: ({ target, kubeContext }) => target === "existing" && !kubeContext,
    expected: "the context of the cluster to deploy to",
  },
  {
    key: "registryUser",
    isSo: ({ registryUser, registryPassword }) => registryPassword && !registryUser,
    expected: "the user that registryPassword belongs to",
  },
  {
    key: "registryPassword",
    isSo: ({ registryUser, registryPassword }) => registryUser && !registryPassword,
    expected: "the password of registryUser",
  },
  {
    key: "ingressHost",
    isSo: ({ expose, ingressHost }) => expose === "Ingress" && !ingressHost,
    expected: "the name by which browsers reach the blog, since expose is Ingress",
  },
  {
    key: "mysqlPassword",
    isSo: ({ mysqlHost, mysqlPassword }) => mysqlHost && !mysqlPassword,
    expected: "the password of mysqlUser, since mysqlHost names a MySQL that the stack does not make",
  },
  {
    key: "maxReplicas",
    isSo: ({ maxReplicas, replicas }) => maxReplicas && maxReplicas < replicas,
    expected: "replicas or more",
  },
  {
    key: "mysqlCa",
    isSo: ({ mysqlHost, mysqlCa }) => mysqlCa && !mysqlHost,
    expected: "nothing unless mysqlHost is set",
  },
  ...(["ingressHost", "ingressClass", "ingressTlsSecret"] as const).map((key) => ({
    key,
    isSo: (values: Values) => values[key] && values.expose !== "Ingress",
    expected: "nothing unless expose is Ingress",
  })),
  ...onlyForExisting.map((key) => ({
    key,
    isSo: (values: Values) => values[key] && values.target !== "existing",
    expected: "nothing unless target is existing",
  })),
  {
    key: "expose",
    isSo: ({ target, expose }) => target !== "existing" && expose !== "NodePort",
    expected: "NodePort unless target is existing",
  },
];

/** The stack's settings: what `Pulumi.yaml` declares, checked. A secret that is left out is undefined. */
export type StackConfig = Omit<Values, SecretKey> & Record<SecretKey, pulumi.Output<string> | undefined>;

export const configKeys = Object.keys(schema.shape);

/** What is expected of a key's value, if it is not what came; undefined if it is. */
export function expectationOf(key: keyof Values, value: string): string | undefined {
  return schema.shape[key].safeParse(value).error?.issues[0]?.message;
}

/**
 * Checks the stack's settings before any resource is declared.
 *
 * @param values - each key of the project with its text, defaults included
 * @param isSecret - whether a key was set with `--secret`
 * @throws pulumi.RunError that lists every wrong key with what was expected, what came, and the command that mends it
 */
export function parseConfig(values: Record<string, string>, isSecret: (key: string) => boolean): StackConfig {
  const isSecretKey = (key: string): key is SecretKey => (secretKeys as readonly string[]).includes(key);
  const problem = (key: string, expected: string) => {
    const value = values[key];
    const isNothing = value === undefined || (value === "" && isSecretKey(key));
    const came = isNothing ? "nothing" : isSecretKey(key) ? "another value" : JSON.stringify(value);
    const flag = isSecretKey(key) ? "--secret " : "";
    return `${key}: expected ${expected}, got ${came}; set it with "pulumi config set ${flag}${key} VALUE"`;
  };
  const result = schema.safeParse(values);
  const problems = (result.error?.issues ?? []).flatMap((issue) => {
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map(
        (key) =>
          `${key}: there is no such key; remove it with "pulumi config rm ${key}". Keys: ${configKeys.join(", ")}`,
      );
    }
    return problem(String(issue.path[0]), issue.message);
  });
  for (const key of secretKeys) {
    if (values[key] && !isSecret(key)) {
      problems.push(`${key}: expected a secret, got plain text; set it with "pulumi config set --secret ${key}"`);
    }
  }
  const { data } = result;
  if (data) {
    for (const { key, expected } of contradictions.filter(({ isSo }) => isSo(data))) {
      problems.push(problem(key, expected));
    }
  }
  if (!data || problems.length > 0) {
    throw settingError(["The stack's configuration cannot be used:", ...problems].join("\n  "));
  }
  const secrets = Object.fromEntries(
    secretKeys.map((key) => [key, data[key] === undefined ? undefined : pulumi.secret(data[key])]),
  ) as Record<SecretKey, pulumi.Output<string> | undefined>;
  return { ...data, ...secrets };
}

/** The current stack's settings, checked; see {@link parseConfig}. */
export function loadConfig(): StackConfig {
  const prefix = `${pulumi.getProject()}:`;
  const values = Object.entries(pulumi.runtime.allConfig())
    .filter(([key]) => key.startsWith(prefix))
    .map(([key, value]) => [key.slice(prefix.length), value] as const);
  // The names of the secret keys reach a Node.js program in this variable only; the SDK has no public accessor for it.
  const secrets = JSON.parse(process.env.PULUMI_CONFIG_SECRET_KEYS ?? "[]") as string[];
  return parseConfig(Object.fromEntries(values), (key) => secrets.includes(prefix + key));
}

/** Where the blog answers: on this machine's name for itself if it listens on every address. */
export function blogUrl({ listenAddress, hostPort }: Pick<StackConfig, "listenAddress" | "hostPort">): string {
  const host = ["0.0.0.0", "::"].includes(listenAddress) ? "localhost" : listenAddress;
  return `http://${host.includes(":") ? `[${host}]` : host}:${String(hostPort)}`;
}

/** The ports of the nodes that this machine publishes: the blog's, and Kibana's to this machine only. */
export function portMappings(config: Pick<StackConfig, "nodePort" | "hostPort" | "listenAddress" | "kibanaNodePort">) {
  const { nodePort, hostPort, listenAddress, kibanaNodePort } = config;
  const protocol = "TCP" as const;
  return [
    { containerPort: nodePort, hostPort, listenAddress, protocol },
    ...(kibanaNodePort === undefined
      ? []
      : [{ containerPort: kibanaNodePort, hostPort: kibanaNodePort, listenAddress: "127.0.0.1", protocol }]),
  ];
}

/** How the blog is reached from outside the cluster. */
export function exposure(config: StackConfig): Exposure {
  switch (config.expose) {
    case "NodePort":
      return { type: "NodePort", nodePort: config.nodePort };
    case "LoadBalancer":
      return { type: "LoadBalancer" };
    case "Ingress":
      return {
        type: "Ingress",
        host: config.ingressHost ?? "",
        ingressClass: config.ingressClass,
        tlsSecret: config.ingressTlsSecret,
      };
  }
}

/** How to log in to the registry of the blog's image; undefined if the engine's own log-in is to do. */
export function registry({ blogImage, registryUser, registryPassword }: StackConfig): Registry | undefined {
  const server = registryOf(blogImage);
  return server && registryUser && registryPassword
    ? { server, username: registryUser, password: registryPassword }
    : undefined;
}

/** Where the MySQL is that the stack does not run; undefined if it runs one. */
export function externalMySql({ mysqlHost: host, mysqlPort: port, mysqlCa: ca }: StackConfig) {
  return host === undefined ? undefined : { host, port, ca };
}
