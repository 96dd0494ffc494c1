import assert from "node:assert/strict";
import { mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

import { BlogConfiguration } from "../../../components/blog/blogConfiguration.ts";
import { SchemaMigration } from "../../../components/blog/schemaMigration.ts";
import { BlogImage, type BlogImageArgs } from "../../../components/images/blogImage.ts";
import { contentHash } from "../../../components/images/contentHash.ts";
import { temporaryFolder } from "../../temporaryFolder.ts";
import { finder, metadataOf } from "../manifest.ts";
import {
  enginePlatform,
  fullProgram,
  givenSecrets,
  type Inputs,
  runWithMocks,
  secretValue,
  settle,
} from "../program.ts";

const register = (args: Partial<BlogImageArgs> = {}) =>
  runWithMocks(() => new BlogImage("image", { registry: { address: "localhost:5001" }, ...args }));

const dockerignore = readFileSync(".dockerignore", "utf8").split("\n");

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

describe("A hash of files", () => {
  const project = process.cwd();

  /** Pulumi runs the program in the project's folder, here a small project. */
  beforeEach(() => {
    process.chdir(temporaryFolder());
    for (const file of [".dockerignore", "package.json", "package-lock.json"]) write(file, file);
    for (const file of ["service/app.ts", "service/Dockerfile", "db/a.ts"]) write(file, file);
  });

  afterEach(() => {
    process.chdir(project);
  });

  const tagOf = async (args?: Partial<BlogImageArgs>) => (await settle((await register(args)).result.tag)).value;
  const jobName = async (image: string) => {
    const { resources } = await runWithMocks(() => {
      const configuration = new BlogConfiguration("configuration", { namespace: "blog", mysqlHost: "db" });
      new SchemaMigration("migration", { namespace: "blog", image, configuration });
    });
    const job = finder(resources)("migration-job");
    assert.deepEqual(job.ignoreChanges, ["spec.template.spec.containers[0].image"]);
    return metadataOf(job).name;
  };

  it("is the tag of the blog's image, which changes with each input of the build, and with a name", async () => {
    const admitted = dockerignore.filter((line) => line.startsWith("!")).map((line) => line.slice(1));
    assert.deepEqual(admitted, ["package.json", "package-lock.json", "service/**", "db/**"]);
    const tags = [await tagOf(), await tagOf({ baseImage: "node:26" }), await tagOf({ platform: "linux/s390x" })];
    for (const path of [".dockerignore", "package.json", "package-lock.json", "service/posts/posts.ts", "db/a.ts"]) {
      write(path, "changed");
      tags.push(await tagOf());
    }
    renameSync("service/app.ts", "service/main.ts");
    tags.push(await tagOf());
    assert.equal(new Set(tags).size, tags.length);
    write("index.ts", "not in the image");
    assert.equal(await tagOf(), tags.at(-1));
  });

  it("is in the name of the migration Job, which runs again if db/ or the packages changed only", async () => {
    const names = [await jobName("blog:1")];
    write("service/app.ts", "changed");
    assert.equal(await jobName("blog:2"), names[0]);
    for (const path of ["db/a.ts", "package-lock.json"]) {
      write(path, "changed");
      names.push(await jobName("blog:1"));
    }
    assert.equal(new Set(names).size, 3);
  });

  it("ignores the names that .dockerignore excludes, and links, which may lead nowhere", () => {
    const excluded = ["node_modules", "README.md", ".env.local", ".#app.ts", ".app.ts.swp", "app.ts~", ".DS_Store"];
    assert.equal(dockerignore.filter((line) => line.startsWith("**/")).length, excluded.length);
    const hash = contentHash(["service", "db"]);
    assert.equal(contentHash(["db", "service"]), hash, "a disk lists files in any order");
    for (const name of excluded) write(`db/migrations/${name}`, "text");
    symlinkSync("user@host.1234:5678", "service/lock");
    assert.equal(contentHash(["service", "db"]), hash);
    const hashes = ["env", "README.txt", "xDS_Store", "a.swp", ".gitkeep"].map((name) => {
      write(`service/${name}`, "text");
      return contentHash(["service", "db"]);
    });
    assert.equal(new Set([hash, ...hashes]).size, 6);
  });
});

describe("The blog's image", () => {
  const names = ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"];
  const build = async (args?: Partial<BlogImageArgs>) => finder((await register(args)).resources)("image-build");
  const former = names.map((name) => [name, process.env[name]] as const);

  after(() => {
    for (const name of names) Reflect.deleteProperty(process.env, name);
    for (const [name, value] of former) if (value !== undefined) process.env[name] = value;
  });

  it("is built by BuildKit for the platform of the engine, with this machine's proxy as a secret", async () => {
    for (const name of names) process.env[name] = `http://user:password@proxy.example.com/${name}`;
    const { args, ...others } = (await build()).inputs.build as { args: Inputs };
    assert.deepEqual(others, {
      ...{ context: ".", dockerfile: "service/Dockerfile" },
      ...{ builderVersion: "BuilderBuildKit", platform: enginePlatform },
    });
    assert.deepEqual(Object.keys(args).sort(), names.sort());
    for (const name of names) assert.equal(secretValue(args[name]), process.env[name]);
  });

  it("is pushed to the registry of an existing cluster with its password, or with the login of Docker", async () => {
    const { inputs } = finder((await fullProgram()).resources)("image-build");
    assert.match(String(inputs.imageName), /^registry\.example\.com:5000\/team\/koa-blog:[0-9a-f]{16}$/);
    const { password, ...login } = inputs.registry as Inputs;
    assert.deepEqual(login, { server: "registry.example.com:5000", username: "me" });
    assert.equal(secretValue(password), givenSecrets.registryPassword);
    const { platform, args } = inputs.build as { platform: string; args: Inputs };
    assert.deepEqual([platform, args.BASE_IMAGE], ["linux/arm64", "node:26"]);
    const local = await build({ registry: { address: "localhost:5001", id: "registry-1" } });
    // A recreated registry is empty, so the image is pushed again.
    assert.deepEqual([local.inputs.registry, local.replacementTrigger], [undefined, "registry-1"]);
  });
});
