import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import { parse } from "yaml";

import { blogContainer, mysqlContainer } from "../../../components/blog/containerSettings.ts";
import { secretsFolder } from "../../../components/kubernetes/podDefaults.ts";
import { configDefaults } from "../../../scripts/lib/project.ts";
import { serviceVariables } from "../../../service/environment.ts";
import { finder, mainContainer, podSpec } from "../manifest.ts";
import { defaultProgram, type Inputs } from "../program.ts";

/** A service of compose.yaml. */
interface Service {
  environment: Record<string, string>;
  user: string;
  mem_limit: string;
  stop_grace_period: string;
  healthcheck: { start_period?: string };
  tmpfs?: string[];
  read_only: boolean;
  cap_drop: string[];
  volumes: string[];
  ports?: { target: number }[];
}

const read = (path: string) => readFileSync(path, "utf8");
const { services } = parse(read("compose.yaml"), { merge: true }) as { services: Record<string, Service> };
const workloads = { mysql: "mysql-statefulset", migration: "migration-job", blog: "blog-deployment" };

/** A variable `X_FILE` has the path of a secret. */
const withoutFile = (name: string) => name.replace(/_FILE$/, "");

describe("Docker Compose", () => {
  for (const [name, workload] of Object.entries(workloads)) {
    it(`gives the service ${name} the variables, user, memory, rights and secrets of its pods`, async () => {
      const find = finder((await defaultProgram()).resources);
      const { envFrom, env, resources } = mainContainer(find(workload)) as Partial<ReturnType<typeof mainContainer>>;
      const ofMaps = (envFrom ?? []).flatMap(({ configMapRef }) =>
        Object.keys(find(configMapRef.name.replace(/-auto$/, "")).inputs.data as Inputs),
      );
      const variables = [...ofMaps, ...(env ?? []).map((variable) => withoutFile(variable.name))];
      const service = services[name];
      assert.ok(service);
      assert.deepEqual(Object.keys(service.environment).map(withoutFile).sort(), variables.sort());
      const { runAsUser, runAsGroup } = podSpec(find(workload)).securityContext;
      assert.equal(service.user, `${String(runAsUser)}:${String(runAsGroup)}`);
      assert.equal(service.mem_limit.replace("m", "Mi"), resources?.limits.memory);
      const { stopSeconds } = name === "mysql" ? mysqlContainer : blogContainer;
      assert.equal(service.stop_grace_period, `${String(stopSeconds)}s`);
      assert.ok(service.volumes.includes(`${name}-secrets:${secretsFolder}:ro`));
      for (const [variable, value] of Object.entries(service.environment)) {
        assert.doesNotMatch(variable, /(PASSWORD|KEYS)$/);
        if (variable.endsWith("_FILE")) assert.equal(value, `${secretsFolder}/${withoutFile(variable)}`);
      }
    });
  }

  it("takes all rights from each service, and keeps MySQL's data in a volume and its passwords in memory", () => {
    for (const [name, { read_only: isReadOnly, cap_drop: dropped }] of Object.entries(services)) {
      assert.deepEqual([isReadOnly, dropped], [true, ["ALL"]], name);
    }
    const { user, dataFolder, initFolder, startSeconds } = mysqlContainer;
    const { volumes, tmpfs, healthcheck } = services.mysql ?? {};
    assert.ok(volumes?.includes(`mysql-data:${dataFolder}`));
    assert.ok(tmpfs?.includes(`${initFolder}:uid=${String(user)},mode=700`));
    assert.equal(healthcheck?.start_period, `${String(startSeconds)}s`);
    assert.equal(services.blog?.ports?.[0]?.target, blogContainer.port);
  });

  it("has the images of Pulumi.yaml, and lists its variables in .env.example", () => {
    const pairs = (path: string, pattern: RegExp) =>
      Object.fromEntries([...read(path).matchAll(pattern)].map(([, name = "", value]) => [name, value]));
    const variables = pairs("compose.yaml", /\$\{(\w+):-([^}]*)\}/g);
    assert.deepEqual(pairs(".env.example", /^(\w+)=(.*)$/gm), variables);
    const { baseImage, mysqlImage } = configDefaults();
    assert.deepEqual([variables.BASE_IMAGE, variables.MYSQL_IMAGE], [baseImage, mysqlImage]);
  });
});

describe("The blog's container", () => {
  it("has the ports, the user and the time to stop of the image and the service", () => {
    const { port, metricsPort, stopSeconds } = blogContainer;
    assert.match(read("service/Dockerfile"), new RegExp(`^EXPOSE ${String(port)} ${String(metricsPort)}$`, "m"));
    const { PORT, METRICS_PORT, SHUTDOWN_GRACE } = serviceVariables.shape;
    assert.deepEqual([PORT.parse(undefined), METRICS_PORT.parse(undefined)], [port, metricsPort]);
    assert.ok(SHUTDOWN_GRACE.parse(undefined) < stopSeconds);
    for (const [path, { user }] of Object.entries({ service: blogContainer, db: mysqlContainer })) {
      const last = read(`${path}/Dockerfile`)
        .match(/^USER .*$/gm)
        ?.at(-1);
      assert.equal(last, `USER ${String(user)}:${String(user)}`);
    }
  });

  it("gets from scripts/deploy.sh the variables that the blog needs, and none that it does not know", () => {
    const script = read("scripts/deploy.sh").replaceAll(/\\\n/g, " ");
    const commands = script.match(/^options="[^"]*|^docker run .*--name "\$network-blog".*/gm) ?? [];
    const given = [...commands.join().matchAll(/--env (\w+)/g)].map(([, name = ""]) => withoutFile(name));
    for (const name of given) assert.ok(name in serviceVariables.shape, name);
    for (const [name, field] of Object.entries(serviceVariables.shape)) {
      assert.ok(field.safeParse(undefined).success || given.includes(name), name);
    }
  });
});
