import * as pulumi from "@pulumi/pulumi";
import type { RegisterResourceRequest as Request } from "@pulumi/pulumi/proto/resource_pb.js";
import * as settings from "@pulumi/pulumi/runtime/settings.js";

import { configDefaults } from "../../scripts/lib/project.ts";

export type Inputs = Record<string, unknown>;

type Callback = (error: unknown, response: { getUrn(): string } | undefined) => void;

/** The key that marks a secret in Pulumi's gRPC messages. */
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";
const signatureKey = "4dabf18193072939515e22adb298388d";

/** The value of a secret. Fails if the value is no secret. */
export function secretValue(value: unknown): unknown {
  const wrapped = value as Record<string, unknown> | undefined;
  if (wrapped?.[signatureKey] !== secretSignature) throw new Error(`not a secret: ${JSON.stringify(value)}`);
  return wrapped.value;
}

/** The outputs of the providers. */
const providers: Record<string, (args: pulumi.runtime.MockResourceArgs) => Inputs> = {
  "command:local:Command": ({ inputs, name }) => ({ ...(inputs as Inputs), stdout: `stdout of ${name}` }),
  "docker:index/image:Image": ({ inputs, name }) => ({ ...(inputs as Inputs), repoDigest: `id of ${name}` }),
  ...Object.fromEntries(
    [
      "pulumi:providers:docker",
      "pulumi:providers:kubernetes",
      "docker:index/container:Container",
      "docker:index/network:Network",
      "docker:index/remoteImage:RemoteImage",
      "docker:index/volume:Volume",
    ].map((type) => [type, ({ inputs }: pulumi.runtime.MockResourceArgs) => inputs as Inputs]),
  ),
  "random:index/randomPassword:RandomPassword": ({ name }) => ({ result: `result of ${name}` }),
  // A new Service has no address yet.
  "kubernetes:core/v1:Service": (args) => ({ ...named(args), status: { loadBalancer: {} } }),
  ...Object.fromEntries(
    [
      "kubernetes:core/v1:Namespace",
      "kubernetes:core/v1:ConfigMap",
      "kubernetes:core/v1:PersistentVolumeClaim",
      "kubernetes:core/v1:Secret",
      "kubernetes:core/v1:ServiceAccount",
      "kubernetes:apps/v1:StatefulSet",
      "kubernetes:apps/v1:DaemonSet",
      "kubernetes:apps/v1:Deployment",
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

/** Names an object without a name, like the auto-naming of the Kubernetes provider. */
function named({ inputs, name }: pulumi.runtime.MockResourceArgs): Inputs {
  const { metadata, ...rest } = inputs as { metadata?: { name?: string } };
  return { ...rest, metadata: { name: `${name}-auto`, ...metadata } };
}

const calls: Record<string, (inputs: Inputs) => Inputs> = {
  "command:local:run": () => ({ stdout: "generation-1" }),
};

/** Mocks that record unknown calls. If a mock threw an error, the program would hang. */
function makeMocks(unknown: string[]): pulumi.runtime.Mocks {
  return {
    newResource(args) {
      const id = `${args.name}-id`;
      if (!args.custom) return { id, state: {} };
      const provider = providers[args.type];
      if (!provider) unknown.push(`a resource of type ${args.type}`);
      return { id, state: provider?.(args) ?? {} };
    },
    call({ token, inputs }) {
      const call = calls[token];
      if (!call) unknown.push(`a call of ${token}`);
      return call?.(inputs as Inputs) ?? {};
    },
  };
}

let runs = 0;

/**
 * Runs the whole program against mocks.
 *
 * @param config - settings that differ from the defaults of Pulumi.yaml
 * @param secrets - settings set with `--secret`
 * @returns the registered resources in order, and the stack outputs
 */
export async function runProgram(
  config: Record<string, string> = {},
  secrets: Record<string, string> = {},
): Promise<{ resources: Registered[]; outputs: Record<string, Settled> }> {
  const values = { ...configDefaults(), ...config, ...secrets };
  const qualified = Object.entries(values).map(([key, value]) => [`koa-blog:${key}`, String(value)]);
  const unknown: string[] = [];
  await pulumi.runtime.setMocks(makeMocks(unknown), "koa-blog", "dev", false);
  pulumi.runtime.setAllConfig(Object.fromEntries(qualified) as Record<string, string>);
  process.env.PULUMI_CONFIG_SECRET_KEYS = JSON.stringify(Object.keys(secrets).map((key) => `koa-blog:${key}`));
  const resources = recordResources();
  runs += 1;
  // The query string bypasses the module cache, so each run executes the program again.
  const program = (await import(`../../index.ts?run=${String(runs)}`)) as { default: Inputs };
  const outputs = Object.fromEntries(
    await Promise.all(Object.entries(program.default).map(async ([key, value]) => [key, await settle(value)] as const)),
  );
  await settings.disconnect();
  if (unknown.length > 0) throw new Error(`no test expects ${unknown.join(", ")}`);
  return { resources, outputs };
}

/** A resolved output. */
export interface Settled {
  value: unknown;
  isSecret: boolean;
}

async function settle(value: unknown): Promise<Settled> {
  if (!pulumi.Output.isInstance(value)) return { value, isSecret: false };
  const output = value as pulumi.Output<unknown> & { promise(): Promise<unknown>; isSecret: Promise<boolean> };
  return { value: await output.promise(), isSecret: await output.isSecret };
}

/** Records requests to the engine. Mocks do not see parents, dependencies and options (pulumi/pulumi#14421). */
function recordResources(): Registered[] {
  const resources: Registered[] = [];
  const monitor = settings.getMonitor() as unknown as {
    registerResource(request: Request, callback: Callback): unknown;
  };
  const register = monitor.registerResource.bind(monitor);
  monitor.registerResource = (request, callback) =>
    register(request, (error, response) => {
      if (response) resources.push(registered(request, response.getUrn()));
      callback(error, response);
    });
  return resources;
}

function registered(request: Request, urn: string) {
  return {
    type: request.getType(),
    name: request.getName(),
    urn,
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
    retainOnDelete: request.getRetainondelete() ?? false,
    inputs: (request.getObject()?.toJavaScript() ?? {}) as Inputs,
  };
}

/** A resource that the program registered. */
export type Registered = ReturnType<typeof registered>;
