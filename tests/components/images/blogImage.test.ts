import assert from "node:assert/strict";
import { readFileSync, renameSync, symlinkSync } from "node:fs";
import { join } from "node:path";

import { BlogImage, type BlogImageArgs } from "../../../components/images/blogImage.ts";
import { contentHash } from "../../../components/images/contentHash.ts";
import { finder } from "../manifest.ts";
import { enginePlatform, type Inputs, runExisting, runWithMocks, secretValue, settle } from "../program.ts";
import { TemporaryProject } from "../temporaryProject.ts";

interface Build {
  args: Record<string, unknown>;
  platform: string;
  dockerfile: string;
  context: string;
}

const register = (args: Partial<BlogImageArgs> = {}) =>
  runWithMocks(() => new BlogImage("image", { registry: { address: "localhost:5001" }, ...args }));

const lines = readFileSync(".dockerignore", "utf8").split("\n");

describe("The tag of the blog's image", () => {
  const tagOf = async (project: TemporaryProject, args: Partial<BlogImageArgs> = {}) => {
    const { result } = await project.run(() => register(args));
    return (await settle(result.tag)).value;
  };

  it("is the same in another folder, and does not change with what the build does not read", async () => {
    const [project, other] = [new TemporaryProject(), new TemporaryProject()];
    const tag = await tagOf(project);
    assert.match(String(tag), /^[0-9a-f]{16}$/);
    other.write("index.ts", "");
    other.write("service/node_modules/a/index.js", "");
    assert.equal(await tagOf(other), tag);
  });

  it("changes with each file that .dockerignore admits, and with a name", async () => {
    const admitted = lines.filter((line) => line.startsWith("!")).map((line) => line.slice(1).replace("**", "app.ts"));
    assert.deepEqual(admitted, ["package.json", "package-lock.json", "service/app.ts", "db/app.ts"]);
    const tags = new Set([await tagOf(new TemporaryProject())]);
    for (const path of [...admitted, ".dockerignore", "service/Dockerfile", "service/posts/posts.ts"]) {
      const project = new TemporaryProject();
      project.write(path, "changed");
      tags.add(await tagOf(project));
    }
    const project = new TemporaryProject();
    renameSync(join(project.folder, "service/app.ts"), join(project.folder, "service/main.ts"));
    tags.add(await tagOf(project));
    assert.equal(tags.size, 9);
  });

  it("changes with the base image and with the platform", async () => {
    const project = new TemporaryProject();
    const tags = new Set();
    for (const args of [{}, { baseImage: "node:26" }, { platform: "linux/arm64" }])
      tags.add(await tagOf(project, args));
    assert.equal(tags.size, 3);
  });
});

describe("The hash of files", () => {
  /** Whether a new file changes the hash. */
  const isHashed = async (path: string) => {
    const project = new TemporaryProject();
    const hash = () => project.run(() => contentHash(["service", "db"]));
    const before = await hash();
    project.write(path, "text");
    return (await hash()) !== before;
  };
  const patterns = lines.filter((line) => line.startsWith("**/")).map((line) => line.slice("**/".length));
  const matches = (glob: string, name: string) => {
    const expression = glob.replaceAll(".", "\\.").replaceAll("*", ".*").replaceAll("?", ".");
    return new RegExp(`^${expression}$`).test(name);
  };

  const ignored = [
    "node_modules",
    "README.md",
    ".env",
    ".env.local",
    ".#app.ts",
    ".app.ts.swp",
    "app.ts~",
    ".DS_Store",
  ];
  for (const name of [...ignored, "app.ts", "env", "README.txt", "xDS_Store", "a.swp", ".gitkeep", ".vscode"]) {
    it(`${ignored.includes(name) ? "ignores" : "contains"} ${name}, as .dockerignore does`, async () => {
      const isIgnored = patterns.some((glob) => matches(glob, name));
      assert.equal(isIgnored, ignored.includes(name));
      for (const path of [`service/${name}`, `db/migrations/${name}`]) {
        assert.equal(await isHashed(path), !ignored.includes(name), path);
      }
    });
  }

  it("was compared with each pattern of .dockerignore", () => {
    const others = patterns.filter((glob) => !ignored.some((name) => matches(glob, name)));
    assert.deepEqual(others, []);
  });

  it("ignores links, such as the locks of an editor, which lead nowhere", async () => {
    const project = new TemporaryProject();
    const hash = () => project.run(() => contentHash(["service"]));
    const before = await hash();
    symlinkSync("user@host.1234:5678", join(project.folder, "service/lock"));
    assert.equal(await hash(), before);
  });
});

describe("The blog's image", () => {
  const names = ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"];
  const former = names.map((name) => [name, process.env[name]] as const);
  const build = async (args: Partial<BlogImageArgs> = {}) => {
    const { inputs, ...options } = finder((await register(args)).resources)("image-build");
    return { ...options, inputs, build: inputs.build as Build };
  };

  beforeEach(() => {
    for (const name of names) Reflect.deleteProperty(process.env, name);
  });

  after(() => {
    for (const [name, value] of former) if (value !== undefined) process.env[name] = value;
  });

  it("is built with today's proxy, which is secret, and not with a former one", async () => {
    for (const proxy of ["http://user:password@one.example.com:3128", "http://two.example.com:3128"]) {
      for (const name of names) process.env[name] = `${proxy}/${name}`;
      const {
        build: { args },
        ignoreChanges,
      } = await build();
      for (const name of names) assert.equal(secretValue(args[name]), `${proxy}/${name}`);
      assert.deepEqual(ignoreChanges, []);
    }
  });

  it("is built by BuildKit for the platform of the engine, which may differ from that of Node.js", async () => {
    const { inputs } = await build();
    assert.deepEqual(inputs.build, {
      context: ".",
      dockerfile: "service/Dockerfile",
      args: {},
      builderVersion: "BuilderBuildKit",
      platform: enginePlatform,
    });
    const other = await build({ platform: "linux/arm64", baseImage: "node:26" });
    assert.deepEqual([other.build.platform, other.build.args], ["linux/arm64", { BASE_IMAGE: "node:26" }]);
  });

  it("is pushed again to a recreated registry", async () => {
    const { replacementTrigger } = await build({ registry: { address: "localhost:5001", id: "registry-1" } });
    assert.equal(replacementTrigger, "registry-1");
    assert.equal((await build()).replacementTrigger, undefined);
  });

  it("is pushed to the team's registry with its password, or with the login of Docker", async () => {
    const imageOf = async (config: Record<string, string>, secrets: Record<string, string>) =>
      finder((await runExisting(config, secrets)).resources)("image-build").inputs;
    const { imageName, registry } = await imageOf({ imagePlatform: "linux/arm64" }, {});
    assert.match(String(imageName), /^registry\.example\.com:5000\/team\/koa-blog:[0-9a-f]{16}$/);
    const { password, ...login } = registry as Inputs;
    assert.deepEqual(login, { server: "registry.example.com:5000", username: "me" });
    assert.equal(secretValue(password), "the registry's password");
    assert.equal((await imageOf({ registryUser: "" }, { registryPassword: "" })).registry, undefined);
  });
});
