import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import { parse } from "yaml";

import { blogContainer, mysqlContainer } from "../../../components/blog/containerSettings.ts";
import { secretsFolder } from "../../../components/kubernetes/podDefaults.ts";
import { serviceVariables } from "../../../service/environment.ts";
import { finder, mainContainer, podSpec } from "../manifest.ts";
import { type Inputs, runProgram } from "../program.ts";

/** A container of compose.yaml or scripts/deploy.sh. */
interface Container {
  /** Environment variables, with their values. */
  variables: Record<string, string>;
  memory: string;
  /** Stop timeout in seconds. */
  stop: string | undefined;
  restart: string | undefined;
  /** How long failed health checks do not count. */
  start: string | undefined;
  isReadOnly: boolean;
  dropped: string;
  volumes: string[];
  tmpfs: string[];
}

interface Service {
  environment: Record<string, string>;
  user: string;
  mem_limit: string;
  stop_grace_period?: string;
  healthcheck?: { start_period?: string };
  tmpfs?: string[];
  read_only: boolean;
  cap_drop: string[];
  restart: string;
  volumes: string[];
  ports?: { target: number }[];
}

const read = (path: string) => readFileSync(path, "utf8");
const compose = parse(read("compose.yaml"), { merge: true }) as { services: Record<string, Service> };
const names = ["mysql", "migration", "blog"] as const;

function ofCompose(name: string): Container {
  const service = compose.services[name];
  assert.ok(service);
  return {
    variables: service.environment,
    memory: service.mem_limit,
    stop: service.stop_grace_period?.replace("s", ""),
    start: service.healthcheck?.start_period,
    restart: service.restart === "no" ? undefined : service.restart,
    isReadOnly: service.read_only,
    dropped: service.cap_drop.join(),
    volumes: service.volumes,
    tmpfs: service.tmpfs ?? [],
  };
}

/** The words of `docker run` in scripts/deploy.sh, with `$options` and `$secrets` replaced. */
function ofScript(name: string): Container {
  const script = read("scripts/deploy.sh").replaceAll(/\\\n/g, " ").replaceAll("$secrets", secretsFolder);
  const [, options = ""] = /^options="([^"]*)"/m.exec(script) ?? [];
  const [, command = ""] = new RegExp(`^docker run (.*--name "\\$network-${name}".*)$`, "m").exec(script) ?? [];
  const words = command.replace("$options", options).replaceAll('"', "").split(/\s+/);
  const all = (flag: string) => words.flatMap((word, index) => (word === `--${flag}` ? [words[index + 1] ?? ""] : []));
  return {
    variables: Object.fromEntries(all("env").map((variable) => variable.split(/=(.*)/) as [string, string])),
    memory: all("memory").join(),
    stop: all("stop-timeout")[0],
    start: all("health-start-period")[0],
    restart: all("restart")[0],
    isReadOnly: words.includes("--read-only"),
    dropped: all("cap-drop").join(),
    volumes: all("volume").map((volume) => volume.replace("$network-", "")),
    tmpfs: all("tmpfs"),
  };
}

const withoutFile = (name: string) => name.replace(/_FILE$/, "");

describe("The settings of containers", () => {
  it("are those of the images", () => {
    const { port, metricsPort, user } = blogContainer;
    assert.match(read("service/Dockerfile"), new RegExp(`^EXPOSE ${String(port)} ${String(metricsPort)}$`, "m"));
    const { PORT, METRICS_PORT, SHUTDOWN_GRACE } = serviceVariables.shape;
    assert.deepEqual([PORT.parse(undefined), METRICS_PORT.parse(undefined)], [port, metricsPort]);
    assert.ok(SHUTDOWN_GRACE.parse(undefined) < blogContainer.stopSeconds);
    for (const [path, id] of [
      ["service/Dockerfile", user],
      ["db/Dockerfile", mysqlContainer.user],
    ] as const) {
      assert.equal(
        read(path)
          .match(/^USER .*$/gm)
          ?.at(-1),
        `USER ${String(id)}:${String(id)}`,
        path,
      );
    }
  });

  for (const [file, container] of [
    ["compose.yaml", ofCompose],
    ["scripts/deploy.sh", ofScript],
  ] as const) {
    it(`are those of ${file}, without rights and with restarts`, () => {
      for (const name of names) {
        const { memory, stop, restart, isReadOnly, dropped } = container(name);
        const { memoryMebibytes, stopSeconds } = name === "mysql" ? mysqlContainer : blogContainer;
        assert.deepEqual([memory, isReadOnly, dropped], [`${String(memoryMebibytes)}m`, true, "ALL"], name);
        const isServer = name !== "migration";
        assert.equal(restart, isServer ? "unless-stopped" : undefined, name);
        if (isServer) assert.equal(stop, String(stopSeconds), name);
      }
    });

    it(`let MySQL start for half an hour in ${file}, because the migration waits until it is healthy`, () => {
      assert.equal(container("mysql").start, `${String(mysqlContainer.startSeconds)}s`);
    });

    it(`put secrets into files and MySQL's data into a volume in ${file}`, () => {
      for (const name of names) {
        const { variables, volumes } = container(name);
        assert.ok(volumes.includes(`${name}-secrets:${secretsFolder}:ro`), name);
        for (const [variable, value] of Object.entries(variables)) {
          assert.doesNotMatch(variable, /(PASSWORD|KEYS)$/);
          if (variable.endsWith("_FILE")) assert.equal(value, `${secretsFolder}/${withoutFile(variable)}`);
        }
      }
      const { volumes, tmpfs } = container("mysql");
      assert.ok(volumes.includes(`mysql-data:${mysqlContainer.dataFolder}`));
      assert.ok(tmpfs.includes(`${mysqlContainer.initFolder}:uid=${String(mysqlContainer.user)},mode=700`));
    });

    it(`give the blog in ${file} the variables that it needs, and none that it does not know`, () => {
      const given = Object.keys(container("blog").variables).map(withoutFile);
      for (const name of given) assert.ok(name in serviceVariables.shape, `the blog does not know ${name}`);
      const needed = Object.entries(serviceVariables.shape).filter(([, field]) => !field.safeParse(undefined).success);
      for (const [name] of needed) assert.ok(given.includes(name), `${name} is missing`);
    });
  }

  it("are those of the pods, which read the same variables as in compose.yaml", async () => {
    const find = finder((await runProgram({ logging: "false" })).resources);
    for (const [name, workload] of [
      ["mysql", "mysql-statefulset"],
      ["migration", "migration-job"],
      ["blog", "blog-deployment"],
    ] as const) {
      const { envFrom, env, resources } = mainContainer(find(workload)) as Partial<ReturnType<typeof mainContainer>>;
      const ofMaps = (envFrom ?? []).flatMap(({ configMapRef }) =>
        Object.keys(find(configMapRef.name.replace(/-auto$/, "")).inputs.data as Inputs),
      );
      const variables = [...ofMaps, ...(env ?? []).map((variable) => withoutFile(variable.name))];
      assert.deepEqual(variables.sort(), Object.keys(ofCompose(name).variables).map(withoutFile).sort(), name);
      const { user, memoryMebibytes } = name === "mysql" ? mysqlContainer : blogContainer;
      assert.equal(podSpec(find(workload)).securityContext.runAsUser, user);
      assert.equal(resources?.limits.memory, `${String(memoryMebibytes)}Mi`);
    }
  });

  it("are those of compose.yaml: port, users, and no rights for any service", () => {
    for (const [name, { read_only: isReadOnly, cap_drop: dropped }] of Object.entries(compose.services)) {
      assert.deepEqual([isReadOnly, dropped], [true, ["ALL"]], name);
    }
    assert.deepEqual(compose.services.blog?.ports?.[0]?.target, blogContainer.port);
    for (const name of names) {
      const { user } = name === "mysql" ? mysqlContainer : blogContainer;
      assert.equal(compose.services[name]?.user, `${String(user)}:${String(user)}`);
    }
  });
});

describe("The variables of compose.yaml", () => {
  it("have the defaults of Pulumi.yaml, and .env.example lists them", () => {
    const { config } = parse(read("Pulumi.yaml")) as { config: Record<string, { default: unknown }> };
    const keys: Record<string, string> = {
      LOG_LEVEL: "logLevel",
      REGISTRATIONS_PER_HOUR: "registrationsPerHour",
      MYSQL_DATABASE: "mysqlDatabase",
      MYSQL_USER: "mysqlUser",
      BASE_IMAGE: "baseImage",
      MYSQL_IMAGE: "mysqlImage",
      BLOG_LISTEN_ADDRESS: "listenAddress",
    };
    const others = { BLOG_PORT: "8080", COOKIE_SECURE: "false", TRUSTED_PROXIES: "0", ORIGIN: "" };
    const defaults = Object.entries(keys).map(([name, key]) => [name, String(config[key]?.default)]);
    const expected = { ...Object.fromEntries(defaults), ...others } as Record<string, string>;
    const variables = [...read("compose.yaml").matchAll(/\$\{(\w+):-([^}]*)\}/g)].map(([, name, value]) => [
      name,
      value,
    ]);
    assert.deepEqual(Object.fromEntries(variables), expected);
    const example = [...read(".env.example").matchAll(/^(\w+)=(.*)$/gm)].map(([, name, value]) => [name, value]);
    assert.deepEqual(Object.fromEntries(example), expected);
  });
});
