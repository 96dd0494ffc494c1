import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";

/** `name:tag`, optionally with a registry before and a digest behind; never `latest`, which says nothing. */
export const imageReference =
  /^(?:[\w.-]+(?::\d+)?\/)?[a-z0-9]+(?:[._/-]+[a-z0-9]+)*:(?!latest(?:@|$))[\w][\w.-]{0,127}(?:@sha256:[0-9a-f]{64})?$/;

const dnsLabel = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;

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

/** An optional secret: the empty string stands for "generate it". */
const secret = (pattern: RegExp, expected: string) =>
  z
    .string()
    .refine((value) => value === "" || pattern.test(value), expected)
    .transform((value) => value || undefined);

const boolean = z.enum(["true", "false"], { error: "true or false" }).transform((value) => value === "true");

const namespace = text(dnsLabel, "lower-case letters, digits and hyphens").max(63, "at most 63 characters");

const volumeSize = text(/^[1-9]\d*(?:Mi|Gi|Ti)$/, "a size such as 512Mi or 1Gi");

const memorySize = text(/^[1-9]\d*[mg]$/, "a size such as 512m or 2g");

const password = secret(/^[^\0\r\n]{8,256}$/, "8 to 256 characters on one line");

// The MySQL image puts root's password into its own SQL without escaping it.
const rootPassword = secret(
  /^[^\0\r\n'"\\]{8,256}$/,
  "8 to 256 characters on one line, without quotes and backslashes",
);

// The Kibana image makes unquoted options of its variables.
const kibanaPassword = secret(/^[\w.~+-]{8,256}$/, "8 to 256 letters, digits, dots, hyphens and _ ~ +");

/**
 * What each key of `Pulumi.yaml` accepts; meaning and default are declared there. The message of each check is what
 * was expected.
 */
const schema = z.strictObject({
  clusterName: text(/^[a-z0-9](?:[a-z0-9.-]{0,40}[a-z0-9])?$/, "up to 42 lower-case letters, digits, dots and hyphens"),
  workers: integer(1, 9),
  nodeImage: image,
  hostPort: integer(1, 65535),
  listenAddress: z.union([z.ipv4(), z.ipv6()], { error: "an IP address, such as 127.0.0.1" }),
  nodePort: integer(30000, 32767),
  mergeKubeconfig: boolean,
  namespace,
  replicas: integer(1, 20),
  baseImage: image,
  logLevel: z.enum(["trace", "debug", "info", "warn", "error", "fatal"], {
    error: "trace, debug, info, warn, error or fatal",
  }),
  sessionKeys: secret(
    /^[^\0\r\n,]{32,}(?:,[^\0\r\n,]{32,})*$/,
    "keys of 32 or more characters each, separated by commas",
  ),
  mysqlImage: image,
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
  "mysqlPassword",
  "mysqlRootPassword",
  "elasticPassword",
  "kibanaPassword",
  "fluentdPassword",
] as const;
type SecretKey = (typeof secretKeys)[number];

type Values = z.output<typeof schema>;

/** The stack's settings: what `Pulumi.yaml` declares, checked. A secret that is left out is undefined. */
export type StackConfig = Omit<Values, SecretKey> & Record<SecretKey, pulumi.Output<string> | undefined>;

export const configKeys = Object.keys(schema.shape);

/**
 * Checks the stack's settings before any resource is declared.
 *
 * @param values - each key of the project with its text, defaults included
 * @param isSecret - whether a key was set with `--secret`
 * @throws pulumi.RunError that lists every wrong key with what was expected, what came, and the command that mends it
 */
export function parseConfig(values: Record<string, string>, isSecret: (key: string) => boolean): StackConfig {
  const isSecretKey = (key: string): key is SecretKey => (secretKeys as readonly string[]).includes(key);
  const result = schema.safeParse(values);
  const problems = (result.error?.issues ?? []).flatMap((issue) => {
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map(
        (key) =>
          `${key}: there is no such key; remove it with "pulumi config rm ${key}". Keys: ${configKeys.join(", ")}`,
      );
    }
    const key = String(issue.path[0]);
    const value = values[key];
    const came = value === undefined ? "nothing" : isSecretKey(key) ? "another value" : JSON.stringify(value);
    const flag = isSecretKey(key) ? "--secret " : "";
    return `${key}: expected ${issue.message}, got ${came}; set it with "pulumi config set ${flag}${key} VALUE"`;
  });
  for (const key of secretKeys) {
    if (values[key] && !isSecret(key)) {
      problems.push(`${key}: expected a secret, got plain text; set it with "pulumi config set --secret ${key}"`);
    }
  }
  const { data } = result;
  const other = (key: "loggingNamespace" | "kibanaNodePort", expected: string) =>
    `${key}: expected ${expected}, got ${JSON.stringify(values[key])}; set it with "pulumi config set ${key} VALUE"`;
  if (data && data.loggingNamespace === data.namespace) {
    problems.push(other("loggingNamespace", "another namespace than the blog's"));
  }
  if (data?.kibanaNodePort && [data.nodePort, data.hostPort].includes(data.kibanaNodePort)) {
    problems.push(other("kibanaNodePort", "another port than nodePort and hostPort"));
  }
  if (!data || problems.length > 0) {
    throw new pulumi.RunError(["The stack's configuration cannot be used:", ...problems].join("\n  "));
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
