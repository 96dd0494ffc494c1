import * as pulumi from "@pulumi/pulumi";
import type { RegisterResourceRequest } from "@pulumi/pulumi/proto/resource_pb.js";
import * as settings from "@pulumi/pulumi/runtime/settings.js";

import { configDefaults } from "../../scripts/lib/project.ts";

export type Inputs = Record<string, unknown>;

/** The key that marks a secret in Pulumi's gRPC messages. */
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";
const signatureKey = "4dabf18193072939515e22adb298388d";

/** The value of a secret. Fails if the value is no secret. */
export function secretValue(value: unknown): unknown {
  const wrapped = value as Record<string, unknown> | undefined;
  if (wrapped?.[signatureKey] !== secretSignature) throw new Error(`not a secret: ${JSON.stringify(value)}`);
  return wrapped.value;
}

/** A value without the secrets in it. */
export function withoutSecrets(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (signatureKey in value) return "a secret";
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutSecrets(inner)]));
}

/** The outputs of a resource. An object without a name gets one, as by the Kubernetes provider. */
function outputsOf({ type, name, id, inputs }: pulumi.runtime.MockResourceArgs): Inputs {
  const { metadata, ...rest } = inputs as { metadata?: { name?: string } };
  if (type === "command:local:Command") return { ...rest, stdout: `stdout of ${name}` };
  if (type.startsWith("random:")) return { result: `result of ${name}` };
  if (!type.startsWith("kubernetes:")) return inputs as Inputs;
  // A namespace that is read, instead of created, has an ID.
  if (id) return { metadata: { uid: `uid of ${id}` } };
  // A new Service has no address yet.
  return { ...rest, metadata: { name: `${name}-auto`, ...metadata }, status: { loadBalancer: {} } };
}

/** The platform of the Docker engine. It differs from the platform of Node.js, as with Rosetta. */
export const enginePlatform = "linux/riscv64";

const mocks: pulumi.runtime.Mocks = {
  newResource: (args) => ({ id: `${args.name}-id`, state: args.custom ? outputsOf(args) : {} }),
  /** The outputs of the commands that run in each deployment. If a mock threw an error, the program would hang. */
  call({ inputs }) {
    const { command, environment } = inputs as { command: string; environment?: Record<string, string> };
    if (command.startsWith("docker version")) return { stdout: enginePlatform };
    const { CLUSTER, REGISTRY, OWNER } = environment ?? {};
    return { stdout: `${OWNER ?? ""}/token of ${CLUSTER ?? REGISTRY ?? ""}` };
  },
};

/** Runs a program against mocks. Returns the registered resources in order, and what the program returned. */
export async function runWithMocks<Result>(
  program: () => Promise<Result> | Result,
  config: Record<string, string> = {},
  secretKeys: string[] = [],
): Promise<{ resources: Registered[]; result: Result }> {
  const qualified = (key: string) => `koa-blog:${key}`;
  await pulumi.runtime.setMocks(mocks, "koa-blog", "dev", false);
  const values = Object.entries(config).map(([key, value]) => [qualified(key), value]);
  pulumi.runtime.setAllConfig(Object.fromEntries(values) as Record<string, string>);
  process.env.PULUMI_CONFIG_SECRET_KEYS = JSON.stringify(secretKeys.map(qualified));
  const resources = recordResources();
  const result = await program();
  await settings.disconnect();
  return { resources, result };
}

let runs = 0;

/** Runs index.ts with settings that differ from the defaults of Pulumi.yaml, and with settings set by `--secret`. */
export async function runProgram(config: Record<string, string> = {}, secrets: Record<string, string> = {}) {
  const values = Object.entries({ ...configDefaults(), ...config, ...secrets });
  const program = async () => {
    runs += 1;
    // The query string bypasses the module cache, so each run executes the program again.
    const outputs = (await import(`../../index.ts?run=${String(runs)}`)) as Inputs;
    const settled = Object.entries(outputs).map(async ([key, value]) => [key, await settle(value)] as const);
    return Object.fromEntries(await Promise.all(settled));
  };
  const settingsAsText = Object.fromEntries(values.map(([key, value]) => [key, String(value)]));
  const { resources, result: outputs } = await runWithMocks(program, settingsAsText, Object.keys(secrets));
  return { resources, outputs };
}

/** Runs the program for an existing cluster, without logging. Its registry needs a password. */
export function runExisting(config: Record<string, string> = {}, secrets: Record<string, string> = {}) {
  const registry = { registry: "registry.example.com:5000/team", registryUser: "me" };
  return runProgram(
    { target: "existing", kubeContext: "team", ...registry, logging: "false", ...config },
    { registryPassword: "the registry's password", ...secrets },
  );
}

const once = <Result>(render: () => Promise<Result>) => {
  let result: Promise<Result> | undefined;
  return () => (result ??= render());
};

/** The program with the defaults of Pulumi.yaml. All tests share one run. */
export const defaultProgram = once(() => runProgram());

/** The secrets of {@link fullProgram}. */
export const givenSecrets = {
  registryPassword: "the registry's password",
  mysqlPassword: "a password of MySQL",
  mysqlRootPassword: "a password of root",
  sessionKeys: "a key for sessions of 32 letters or more",
  elasticPassword: "a password of elastic",
};

/** The program for an existing cluster, with other values than the defaults. All tests share one run. */
export const fullProgram = once(() =>
  runExisting(
    {
      ...{ namespace: "two", loggingNamespace: "two-logs", logging: "true", replicas: "3", maxReplicas: "6" },
      ...{ mysqlImage: "mysql:8.4", mysqlDatabase: "posts", mysqlUser: "writer", mysqlStorage: "7Gi" },
      ...{ elasticsearchHeap: "2g", elasticsearchStorage: "20Gi", storageClass: "fast", logRetentionDays: "30" },
      ...{ logLevel: "debug", registrationsPerHour: "5", origin: "https://www.example.com", baseImage: "node:26" },
      ...{ expose: "Ingress", ingressHost: "blog.example.com", ingressTlsSecret: "blog-tls" },
      ...{ ingressAnnotations: '{"cert-manager.io/cluster-issuer": "letsencrypt"}', imagePlatform: "linux/arm64" },
    },
    givenSecrets,
  ),
);

/** The value of an output, and whether it is secret. */
export async function settle(value: unknown): Promise<{ value: unknown; isSecret: boolean }> {
  if (!pulumi.Output.isInstance(value)) return { value, isSecret: false };
  const output = value as pulumi.Output<unknown> & { promise(): Promise<unknown>; isSecret: Promise<boolean> };
  return { value: await output.promise(), isSecret: await output.isSecret };
}

/** Records requests to the engine. Mocks do not see parents, dependencies and options (pulumi/pulumi#14421). */
function recordResources(): Registered[] {
  type Callback = (error: unknown, response: { getUrn(): string } | undefined) => void;
  const resources: Registered[] = [];
  const monitor = settings.getMonitor() as unknown as {
    registerResource(request: RegisterResourceRequest, callback: Callback): void;
  };
  const send = monitor.registerResource.bind(monitor);
  monitor.registerResource = (request, callback) => {
    send(request, (error, response) => {
      if (response) resources.push({ ...registered(request), urn: response.getUrn() });
      callback(error, response);
    });
  };
  return resources;
}

/** A resource that the program registered. */
export type Registered = ReturnType<typeof registered> & { urn: string };

const registered = (request: RegisterResourceRequest) => ({
  type: request.getType(),
  name: request.getName(),
  /** URN of the parent, empty for children of the stack. */
  parent: request.getParent(),
  /** URNs of the dependencies, from `dependsOn` and from inputs. */
  dependencies: request.getDependenciesList(),
  provider: request.getProvider(),
  deletedWith: request.getDeletedwith(),
  replacementTrigger: request.getReplacementTrigger()?.toJavaScript() as unknown,
  deleteBeforeReplace: request.getDeletebeforereplace(),
  additionalSecretOutputs: request.getAdditionalsecretoutputsList(),
  ignoreChanges: request.getIgnorechangesList(),
  customTimeouts: request.getCustomtimeouts()?.toObject(),
  inputs: (request.getObject()?.toJavaScript() ?? {}) as Inputs,
});
