import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import { parse } from "yaml";

import {
  blogContract,
  blogEnvironment,
  databaseEnvironment,
  type Environment,
  mySqlContract,
  mySqlEnvironment,
  secretsFolder,
} from "../../../components/kubernetes/contract.ts";
import { environmentSchema } from "../../../service/environment.ts";
import { existingConfig } from "../kubeconfig.ts";
import { finder, mainContainer, podSpec } from "../manifest.ts";
import { type Inputs, type Registered, runProgram, secretValue } from "../program.ts";

/** The variables, user and limits of a container, on any platform. */
interface Container {
  /** Names of variables, with `X` for `X_FILE`. */
  reads: string[];
  /** User id. */
  user: number;
  memoryMebibytes: number;
  /** Stop timeout in seconds, without the pod's preStop hook. */
  stopSeconds: number;
}

const access = { host: "h", port: 1, database: "d", user: "u", password: "p" };
const database = databaseEnvironment(access);
const blog = blogEnvironment({
  logLevel: "info",
  secureCookies: false,
  registrationsPerHour: 100,
  trustedProxies: 0,
  sessionKeys: "k",
});
const names = (...environments: Environment[]) =>
  environments.flatMap(({ variables, secrets }) => [...Object.keys(variables), ...Object.keys(secrets)]).sort();
const part = ({ user, memoryMebibytes, stopSeconds }: Omit<Container, "reads">) => ({
  user,
  memoryMebibytes,
  stopSeconds,
});

const expected: Record<string, Container> = {
  mysql: { reads: names(mySqlEnvironment(access, "r")), ...part(mySqlContract) },
  migration: { reads: names(database), ...part(blogContract) },
  blog: { reads: names(database, blog), ...part(blogContract) },
};

const withoutFile = (name: string) => name.replace(/_FILE$/, "");

/** The containers of a program for Kubernetes. */
function ofPods(resources: Registered[]): Record<string, Container> {
  const find = finder(resources);
  const container = (name: string, drainSeconds: number): Container => {
    const spec = podSpec(find(name));
    const {
      envFrom = [],
      env = [],
      resources: limits,
    } = mainContainer(find(name)) as Partial<ReturnType<typeof mainContainer>>;
    const maps = envFrom.flatMap(({ configMapRef }) =>
      Object.keys(find(configMapRef.name.replace(/-auto$/, "")).inputs.data as Inputs),
    );
    return {
      reads: [...maps, ...env.map((variable) => withoutFile(variable.name))].sort(),
      user: spec.securityContext.runAsUser,
      memoryMebibytes: parseInt(limits?.limits.memory ?? "", 10),
      stopSeconds:
        ((spec.terminationGracePeriodSeconds as number | undefined) ?? blogContract.stopSeconds) - drainSeconds,
    };
  };
  return {
    mysql: container("mysql-statefulset", 0),
    migration: container("blog-job", 0),
    blog: container("blog-deployment", 5),
  };
}

/** The containers of the program for plain containers. */
function ofContainers(resources: Registered[]): Record<string, Container> {
  const container = (name: string): Container => {
    const { inputs } = finder(resources)(`${name}-container`);
    const variables = (inputs.envs as string[]).map((variable) => variable.replace(/=.*/s, ""));
    return {
      reads: variables.map(withoutFile).sort(),
      user: parseInt(inputs.user as string, 10),
      memoryMebibytes: inputs.memory as number,
      stopSeconds: inputs.stopTimeout as number,
    };
  };
  return { mysql: container("mysql"), migration: container("migration"), blog: container("blog") };
}

interface Service {
  environment: Record<string, string>;
  user: string;
  mem_limit: string;
  stop_grace_period: string;
  tmpfs?: string[];
  read_only: boolean;
  cap_drop: string[];
  restart: string;
  volumes: string[];
  ports?: { target: number }[];
}

const compose = parse(readFileSync("compose.yaml", "utf8"), { merge: true }) as { services: Record<string, Service> };

function ofCompose(): Record<string, Container> {
  const container = (name: string): Container => {
    const service = compose.services[name];
    assert.ok(service);
    return {
      reads: Object.keys(service.environment).map(withoutFile).sort(),
      user: parseInt(service.user, 10),
      memoryMebibytes: parseInt(service.mem_limit, 10),
      stopSeconds: parseInt(service.stop_grace_period, 10),
    };
  };
  return { mysql: container("mysql"), migration: container("migration"), blog: container("blog") };
}

describe("The contract of the blog's image and MySQL's", () => {
  it("is what the service itself checks: nothing that it does not know, and all that it needs", () => {
    const given = names(database, blog);
    for (const name of given) assert.ok(name in environmentSchema.shape, `the blog does not know ${name}`);
    const needed = Object.entries(environmentSchema.shape).filter(([, field]) => !field.safeParse(undefined).success);
    for (const [name] of needed) assert.ok(given.includes(name), `nobody sets ${name}`);
  });

  it("is kept by kind", async () => {
    assert.deepEqual(ofPods((await runProgram({ logging: "false" })).resources), expected);
  });

  it("is kept by a cluster that exists", async () => {
    const { config, secrets } = existingConfig();
    assert.deepEqual(ofPods((await runProgram(config, secrets)).resources), expected);
  });

  it("is kept by plain containers", async () => {
    assert.deepEqual(ofContainers((await runProgram({ target: "containers" })).resources), expected);
  });

  it("is kept by compose.yaml", () => {
    assert.deepEqual(ofCompose(), expected);
  });

  it("goes with no rights, and restarts of what fails, in compose.yaml", () => {
    for (const [name, service] of Object.entries(compose.services)) {
      assert.deepEqual([service.read_only, service.cap_drop], [true, ["ALL"]], name);
      assert.equal(service.restart, ["mysql", "blog"].includes(name) ? "unless-stopped" : "no", name);
    }
  });

  it("has the same defaults in compose.yaml as in Pulumi.yaml, and .env.example says them", () => {
    const { config } = parse(readFileSync("Pulumi.yaml", "utf8")) as { config: Record<string, { default: unknown }> };
    const keys: Record<string, string> = {
      LOG_LEVEL: "logLevel",
      REGISTRATIONS_PER_HOUR: "registrationsPerHour",
      MYSQL_DATABASE: "mysqlDatabase",
      MYSQL_USER: "mysqlUser",
      BASE_IMAGE: "baseImage",
      MYSQL_IMAGE: "mysqlImage",
      BLOG_LISTEN_ADDRESS: "listenAddress",
    };
    const variables = [...readFileSync("compose.yaml", "utf8").matchAll(/\$\{(\w+):-([^}]*)\}/g)];
    const example = readFileSync(".env.example", "utf8");
    const seen = new Set<string>();
    for (const [, name = "", value = ""] of variables) {
      seen.add(name);
      const key = keys[name];
      assert.equal(value, key ? String(config[key]?.default) : "5000", name);
      assert.match(example, new RegExp(`^${name}=${value}$`, "m"));
    }
    assert.deepEqual([...seen].sort(), [...Object.keys(keys), "BLOG_PORT"].sort());
  });

  it("puts secrets into files of one folder, MySQL's data and script where its image has them, in compose.yaml too", () => {
    const { mysql, migration, blog: blogs } = compose.services;
    assert.ok(mysql && migration && blogs);
    for (const service of [mysql, migration, blogs]) {
      assert.ok(service.volumes.some((volume) => volume.endsWith(`:${secretsFolder}:ro`)));
      for (const [name, value] of Object.entries(service.environment)) {
        if (name.endsWith("_FILE")) assert.equal(value, `${secretsFolder}/${withoutFile(name)}`);
        assert.ok(!/(PASSWORD|KEYS)$/.test(name), `${name} is in the environment`);
      }
    }
    assert.ok(mysql.volumes.includes(`mysql-data:${mySqlContract.dataFolder}`));
    assert.ok(mysql.tmpfs?.includes(`${mySqlContract.initFolder}:uid=${String(mySqlContract.user)},mode=700`));
    assert.deepEqual(
      blogs.ports?.map(({ target }) => target),
      [blogContract.port],
    );
  });

  it("gives plain containers their secrets as secrets, and no others", async () => {
    const { resources, outputs } = await runProgram({ target: "containers" }, { mysqlRootPassword: "a root password" });
    const uploads = (name: string) =>
      (finder(resources)(`${name}-container`).inputs.uploads as { file: string; content: unknown }[]).map(
        ({ file, content }) => [file, file.endsWith("/MYSQL_USER") ? content : secretValue(content)],
      );
    const password = [`${secretsFolder}/MYSQL_PASSWORD`, "result of blog-mysql-password"];
    const user = [`${secretsFolder}/MYSQL_USER`, "koa_blog"];
    assert.deepEqual(uploads("mysql"), [password, [`${secretsFolder}/MYSQL_ROOT_PASSWORD`, "a root password"]]);
    assert.deepEqual(uploads("migration"), [user, password]);
    const keys = [`${secretsFolder}/SESSION_KEYS`, "result of blog-session-key"];
    assert.deepEqual(uploads("blog"), [user, password, keys]);
    assert.equal(outputs.credentials?.isSecret, true);
  });
});
