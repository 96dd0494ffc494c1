import { setTimeout } from "node:timers/promises";

import * as pulumi from "@pulumi/pulumi";
import proto, { type ReadResourceRequest, type RegisterResourceRequest } from "@pulumi/pulumi/proto/resource_pb.js";
import * as settings from "@pulumi/pulumi/runtime/settings.js";

import { configDefaults } from "../../scripts/lib/project.ts";

export type Inputs = Record<string, unknown>;

type Callback = (error: unknown, response: { getUrn(): string } | undefined) => void;
type Send<Request> = (request: Request, callback: Callback) => unknown;

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

/** Names an object without a name, like the auto-naming of the Kubernetes provider. */
function named({ inputs, name }: pulumi.runtime.MockResourceArgs): Inputs {
  const { metadata, ...rest } = inputs as { metadata?: { name?: string } };
  return { ...rest, metadata: { name: `${name}-auto`, ...metadata } };
}

const unchanged = ({ inputs }: pulumi.runtime.MockResourceArgs) => inputs as Inputs;

/** The outputs of the providers. */
const providers: Record<string, (args: pulumi.runtime.MockResourceArgs) => Inputs> = {
  "command:local:Command": ({ inputs, name }) => ({ ...(inputs as Inputs), stdout: `stdout of ${name}` }),
  "docker:index/image:Image": unchanged,
  "pulumi:providers:kubernetes": unchanged,
  "random:index/randomPassword:RandomPassword": ({ name }) => ({ result: `result of ${name}` }),
  // A new Service has no address yet.
  "kubernetes:core/v1:Service": (args) => ({ ...named(args), status: { loadBalancer: {} } }),
  // A namespace that is read, instead of created, has an ID.
  "kubernetes:core/v1:Namespace": (args) => (args.id ? { metadata: { uid: `uid of ${args.id}` } } : named(args)),
  ...Object.fromEntries(
    [
      "kubernetes:core/v1:ConfigMap",
      "kubernetes:core/v1:Secret",
      "kubernetes:core/v1:ServiceAccount",
      "kubernetes:apps/v1:StatefulSet",
      "kubernetes:apps/v1:DaemonSet",
      "kubernetes:apps/v1:Deployment",
      "kubernetes:batch/v1:CronJob",
      "kubernetes:batch/v1:Job",
      "kubernetes:autoscaling/v2:HorizontalPodAutoscaler",
      "kubernetes:networking.k8s.io/v1:Ingress",
      "kubernetes:networking.k8s.io/v1:NetworkPolicy",
      "kubernetes:policy/v1:PodDisruptionBudget",
      "kubernetes:rbac.authorization.k8s.io/v1:ClusterRole",
      "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding",
    ].map((type) => [type, named]),
  ),
};

/** The platform of the Docker engine. It differs from the platform of Node.js, as with Rosetta. */
export const enginePlatform = "linux/riscv64";

/** The outputs of the commands that run in each deployment. */
function runCommand({ command, environment }: Inputs): Inputs | undefined {
  if (String(command).startsWith("docker version")) return { stdout: enginePlatform };
  const { CLUSTER, REGISTRY, OWNER } = environment as Record<string, string>;
  return OWNER === undefined ? undefined : { stdout: `${OWNER}/token of ${CLUSTER ?? REGISTRY ?? ""}` };
}

/** Mocks that record unknown calls. If a mock threw an error, the program would hang. */
function makeMocks(unknown: string[]): pulumi.runtime.Mocks {
  return {
    async newResource(args) {
      // Shows which requests wait for this answer.
      await setTimeout(2);
      const id = `${args.name}-id`;
      if (!args.custom) return { id, state: {} };
      const provider = providers[args.type];
      if (!provider) unknown.push(`a resource of type ${args.type}`);
      return { id, state: provider?.(args) ?? {} };
    },
    call({ token, inputs }) {
      const result = token === "command:local:run" ? runCommand(inputs as Inputs) : undefined;
      if (!result) unknown.push(`a call of ${token}`);
      return result ?? {};
    },
  };
}

/**
 * Runs a program against mocks.
 *
 * @param config - the settings of the project
 * @param secretKeys - the settings that were set with `--secret`
 * @returns the registered resources in order, and what the program returned
 */
export async function runWithMocks<Result>(
  program: () => Promise<Result> | Result,
  config: Record<string, string> = {},
  secretKeys: string[] = [],
): Promise<{ resources: Registered[]; result: Result }> {
  const unknown: string[] = [];
  const qualified = (key: string) => `koa-blog:${key}`;
  await pulumi.runtime.setMocks(makeMocks(unknown), "koa-blog", "dev", false);
  pulumi.runtime.setAllConfig(
    Object.fromEntries(Object.entries(config).map(([key, value]) => [qualified(key), value])),
  );
  process.env.PULUMI_CONFIG_SECRET_KEYS = JSON.stringify(secretKeys.map(qualified));
  const resources = recordResources();
  const result = await program();
  await settings.disconnect();
  if (unknown.length > 0) throw new Error(`no test expects ${unknown.join(", ")}`);
  return { resources, result };
}

let runs = 0;

/**
 * Runs the whole program against mocks.
 *
 * @param config - settings that differ from the defaults of Pulumi.yaml
 * @param secrets - settings set with `--secret`
 * @returns the registered resources in order, and the stack outputs
 */
export async function runProgram(config: Record<string, string> = {}, secrets: Record<string, string> = {}) {
  const values = Object.entries({ ...configDefaults(), ...config, ...secrets });
  const { resources, result: outputs } = await runWithMocks(
    async () => {
      runs += 1;
      // The query string bypasses the module cache, so each run executes the program again.
      const program = (await import(`../../index.ts?run=${String(runs)}`)) as Inputs;
      const settled = Object.entries(program).map(async ([key, value]) => [key, await settle(value)] as const);
      return Object.fromEntries(await Promise.all(settled));
    },
    Object.fromEntries(values.map(([key, value]) => [key, String(value)])),
    Object.keys(secrets),
  );
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

/** A resolved output. */
interface Settled {
  value: unknown;
  isSecret: boolean;
}

export async function settle(value: unknown): Promise<Settled> {
  if (!pulumi.Output.isInstance(value)) return { value, isSecret: false };
  const output = value as pulumi.Output<unknown> & { promise(): Promise<unknown>; isSecret: Promise<boolean> };
  return { value: await output.promise(), isSecret: await output.isSecret };
}

/** Records requests to the engine. Mocks do not see parents, dependencies and options (pulumi/pulumi#14421). */
function recordResources(): Registered[] {
  const resources: Registered[] = [];
  let messages = 0;
  const recording =
    <Request>(send: Send<Request>, registration: (request: Request) => RegisterResourceRequest): Send<Request> =>
    (request, callback) => {
      const requested = (messages += 1);
      return send(request, (error, response) => {
        const answered = (messages += 1);
        const urn = response?.getUrn() ?? "";
        if (response) resources.push({ ...registered(registration(request)), urn, requested, answered });
        callback(error, response);
      });
    };
  const monitor = settings.getMonitor() as unknown as {
    registerResource: Send<RegisterResourceRequest>;
    readResource: Send<ReadResourceRequest>;
  };
  monitor.registerResource = recording(monitor.registerResource.bind(monitor), (request) => request);
  monitor.readResource = recording(monitor.readResource.bind(monitor), (request) =>
    new proto.RegisterResourceRequest()
      .setType(`read ${request.getType()}`)
      .setName(request.getName())
      .setParent(request.getParent())
      .setDependenciesList(request.getDependenciesList())
      .setProvider(request.getProvider()),
  );
  return resources;
}

/** A resource that the program registered, or read. */
export interface Registered extends ReturnType<typeof registered> {
  urn: string;
  /** Number of the request among all messages. */
  requested: number;
  /** Number of its answer. */
  answered: number;
}

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
