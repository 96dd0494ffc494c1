import * as pulumi from "@pulumi/pulumi";

import { blogUrl, kibanaNodePort, kindConfigArgs, parseSettings, type SecretKey, type Settings } from "./settings.ts";

/**
 * Reads and checks the settings of the current stack, before any resource is declared.
 *
 * @returns the arguments of the components, by component, with secrets as secret outputs
 */
export function loadConfig() {
  const settings = readSettings();
  const { namespace, storageClass } = settings;
  const secret = (key: SecretKey) => settings[key] && pulumi.secret(settings[key]);
  const registryLogin = loginOf(settings);
  return {
    cluster: clusterArgs(settings),
    image: { baseImage: settings.baseImage, platform: settings.imagePlatform },
    namespace: { name: namespace },
    configuration: {
      namespace,
      mysqlCa: settings.mysqlCa,
      mysqlDatabase: settings.mysqlDatabase,
      mysqlUser: settings.mysqlUser,
      mysqlPassword: secret("mysqlPassword"),
      sessionKeys: secret("sessionKeys"),
      logLevel: settings.logLevel,
      registrationsPerHour: settings.registrationsPerHour,
      secureCookies: settings.secureCookies ?? settings.ingressTlsSecret !== undefined,
      // The Ingress controller is a proxy.
      trustedProxies: settings.trustedProxies ?? (settings.expose === "Ingress" ? 1 : 0),
      // Two stacks on one host would overwrite each other's cookies.
      sessionCookie: `session-${settings.target === "kind" ? String(settings.hostPort) : namespace}`,
      origin: settings.origin,
      registryLogin,
    },
    service: { namespace, expose: exposure(settings) },
    /** Undefined means that the stack runs its own MySQL. */
    mysqlHost: settings.mysqlHost,
    mysqlImage: settings.mysqlImage,
    mysql: {
      namespace,
      rootPassword: secret("mysqlRootPassword"),
      storage: settings.mysqlStorage,
      storageClass,
    },
    blog: { namespace, replicas: settings.replicas, maxReplicas: settings.maxReplicas },
    hasLogging: settings.logging,
    elasticsearchImage: settings.elasticsearchImage,
    kibanaImage: settings.kibanaImage,
    fluentdImage: settings.fluentdImage,
    logging: {
      namespace: settings.loggingNamespace,
      heap: settings.elasticsearchHeap,
      storage: settings.elasticsearchStorage,
      storageClass,
      retentionDays: settings.logRetentionDays,
      elasticPassword: secret("elasticPassword"),
      kibanaNodePort: settings.target === "kind" ? kibanaNodePort : undefined,
      registryLogin,
    },
  };
}

/** @throws pulumi.RunError that lists every wrong setting */
function readSettings(): Settings {
  const prefix = `${pulumi.getProject()}:`;
  const values = Object.entries(pulumi.runtime.allConfig())
    .filter(([key]) => key.startsWith(prefix))
    .map(([key, value]) => [key.slice(prefix.length), value] as const);
  // Pulumi passes the names of secret keys in this variable. The SDK has no public accessor for it.
  const secrets = JSON.parse(process.env.PULUMI_CONFIG_SECRET_KEYS ?? "[]") as string[];
  try {
    return parseSettings(Object.fromEntries(values), (key) => secrets.includes(prefix + key));
  } catch (error) {
    const refusal = new pulumi.RunError((error as Error).message);
    // Pulumi colours stack traces. With its source maps, Node.js then needs half a minute and runs out of memory
    // (pulumi/pulumi#20567).
    refusal.stack = "";
    throw refusal;
  }
}

/** The arguments of the cluster that the stack creates, or of the existing one. */
function clusterArgs(settings: Settings) {
  if (settings.target === "existing") {
    const { kubeContext: context, registry: address } = settings;
    return { target: settings.target, args: { context, registry: { address, login: loginOf(settings) } } };
  }
  const { target, clusterName: name, registryImage, registryPort } = settings;
  return { target, args: { name, registryImage, registryPort, ...kindConfigArgs(settings) } };
}

/** Login of the registry of the images. Undefined means that `docker login` applies. */
function loginOf({ registry = "", registryUser: username, registryPassword }: Settings) {
  if (username === undefined || registryPassword === undefined) return undefined;
  const [server = ""] = registry.split("/");
  return { server, username, password: pulumi.secret(registryPassword) };
}

/** How clients outside the cluster reach the blog. */
function exposure(settings: Settings) {
  switch (settings.expose) {
    case "NodePort": {
      const { expose: type, nodePort } = settings;
      return { type, nodePort, url: settings.target === "kind" ? blogUrl(settings) : undefined };
    }
    case "LoadBalancer":
      return { type: settings.expose };
    case "Ingress": {
      const { expose: type, ingressHost: host = "", ingressTlsSecret: tlsSecret, ingressAnnotations } = settings;
      return { type, host, tlsSecret, annotations: ingressAnnotations };
    }
  }
}
